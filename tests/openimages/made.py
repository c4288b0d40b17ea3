"""Small annotated sets, made for tests."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

CAT, DOG, CAR, PERSON, ANIMAL = "/m/01yrx", "/m/0bt9lr", "/m/0k4j", "/m/01g317", "/m/0jbk"
FLAGS = ("IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside")
BOX_HEADER = ("ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", *FLAGS)
LABEL_HEADER = ("ImageID", "Source", "LabelName", "Confidence")
Rows = Iterable[Sequence[object]]


def write_csv(path: Path, header: Sequence[str], rows: Rows) -> Path:
    """A table, as the official ones are written."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), "utf-8")
    return path


def box(image: str, mid: str = CAT, sides: Sequence[float] = (0.1, 0.5, 0.2, 0.75), flags: Sequence[int] = (0,) * 5,
        source: str = "xclick") -> tuple[object, ...]:  # fmt: skip
    """A row of boxes; sides are XMin, XMax, YMin, YMax."""
    return (image, source, mid, 1, *sides, *flags)


def jpeg(width: int = 16, height: int = 8) -> bytes:
    """The smallest of images."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, "JPEG")
    return data.getvalue()


def write_set(folder: Path, boxes: Rows, labels: Rows | None = None, sizes: dict[str, tuple[int, int]] | None = None,
              photos: bool = True) -> Path:  # fmt: skip
    """A data folder of CSV tables; images are as large as `sizes` says in name only."""
    rows = [*boxes]
    write_csv(folder / "annotations-bbox.csv", BOX_HEADER, rows)
    if labels is not None:
        write_csv(folder / "annotations-human-imagelabels.csv", LABEL_HEADER, labels)
    sizes = sizes or {str(row[0]): (16, 8) for row in rows}
    write_csv(folder / "images.csv", ("ImageID", "Width", "Height"), ((name, *size) for name, size in sizes.items()))
    (folder / "images").mkdir(exist_ok=True)
    if photos:
        for name in sizes:
            (folder / "images" / f"{name}.jpg").write_bytes(jpeg())
    return folder


def rows_of(path: Path) -> list[dict[str, object]]:
    """The rows of a table of whatever form, values of CSV as text."""
    if path.suffix == ".parquet":
        found: list[dict[str, object]] = pq.read_table(path).to_pylist()
        return found
    with path.open(encoding="utf-8", newline="") as file:
        return [dict(row) for row in csv.DictReader(file)]
