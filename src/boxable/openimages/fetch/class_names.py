"""The published names of the classes."""

import csv
import io
from collections.abc import Collection
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.formats.rows import write_classes


def read_class_names(path: Path) -> dict[str, str]:
    """Read the name of each MID; only the file of V7 has a header line. Raises ArgumentError for another file."""
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArgumentError(f"{path}: not a list of classes ({error})") from None
    names = {row[0]: row[1] for row in rows if len(row) == 2 and row != ["LabelName", "DisplayName"]}
    if not names:
        raise ArgumentError(f"{path}: no classes in it, expected lines like /m/01yrx,Cat")
    return names


def write_class_names(path: Path, names: dict[str, str], mids: Collection[str] | None) -> None:
    """Write classes.csv: these classes (None: all), in the order of the published list."""
    write_classes(((mid, name) for mid, name in names.items() if mids is None or mid in mids), path)
