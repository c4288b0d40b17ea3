"""From an official table of any size to the rows that are wanted, in the columns of a data folder."""

import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from boxable.files import writing
from boxable.formats.tables import SUFFIXES, column_names, table_errors
from boxable.openimages.arrow_tables import batches, import_arrow, schema
from boxable.openimages.by_image import is_in_order, write_sorted
from boxable.openimages.expand import has_value
from boxable.openimages.layout import BOX_COLUMNS, IMAGE_COLUMNS, LABEL_COLUMNS, Kind
from boxable.openimages.table_writer import Written, check_table_name, table_writer
from boxable.prefetch import prefetch


def narrow(
    source: Path,
    dest: Path,
    *,
    classes: Collection[str] | None = None,
    images: Collection[str] | None = None,
) -> Written:
    """Write the rows of `source` that are of these classes (MIDs) and images to `dest`; None takes all.

    It is a table of boxes, of image labels, or of images, which have no class; either may be of any form. Columns that
    the data folder does not have, such as the extreme points of V6, are left out. Rows are sorted by ImageID; the
    official tables are so already and stream through, a few batches in memory at a time, while others are held in
    memory to sort them.

    Raises ArgumentError for a table that cannot be used, BoxableError where reading or writing fails.
    """
    import_arrow()
    check_table_name(source)
    check_table_name(dest)
    columns = native_columns(source)
    wanted = None if classes is None or "LabelName" not in columns else frozenset(classes)
    chosen = None if images is None else frozenset(images)
    rows_in, last, in_order = 0, "", True
    scratch = dest.with_name(f".{dest.name[:40]}.{secrets.token_hex(4)}.rows{_suffix(dest)}")
    try:
        with table_writer(scratch, schema(columns)) as out:
            for batch in prefetch(batches(source, columns), 1):
                rows_in += batch.num_rows
                rows = batch
                if chosen is not None:
                    rows = rows.filter(has_value(rows.column("ImageID"), chosen.__contains__))
                if wanted is not None:
                    rows = rows.filter(has_value(rows.column("LabelName"), wanted.__contains__))
                if rows.num_rows:
                    in_order = in_order and is_in_order(rows.column("ImageID"), last)
                    last = rows.column("ImageID")[-1].as_py()
                    out.write(rows)
        if in_order:
            with writing(dest):
                scratch.replace(dest)
        else:
            write_sorted(scratch, dest, columns)
    finally:
        with suppress(OSError):
            scratch.unlink()
    return Written(rows_in, out.rows, [])


def image_ids(path: Path) -> list[str]:
    """The distinct images of a table, in order of first appearance."""
    seen: dict[str, None] = {}
    for batch in batches(path, {"ImageID": "text"}):
        column = batch.column("ImageID")
        seen.update(dict.fromkeys(column.dictionary.take(column.indices.unique()).to_pylist()))
    return list(seen)


def native_columns(path: Path) -> Mapping[str, Kind]:
    """What a data folder keeps of this table: boxes; where there is no XMin labels, where no LabelName images."""
    names: list[str] = []
    with table_errors(path, names):
        names += column_names(path)
    if "LabelName" not in names:
        return IMAGE_COLUMNS
    return BOX_COLUMNS if "XMin" in names else LABEL_COLUMNS


def _suffix(path: Path) -> str:
    return next(suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix))
