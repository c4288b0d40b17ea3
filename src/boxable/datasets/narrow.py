"""Filter an official table of any size into a table of a data folder."""

from collections.abc import Collection, Mapping
from pathlib import Path

from boxable.datasets.arrow_tables import batches, has_value, import_arrow
from boxable.datasets.image_order import sorted_table_writer
from boxable.datasets.table_writer import Written, check_table_name
from boxable.formats.columns import BOX_COLUMNS, IMAGE_COLUMNS, LABEL_COLUMNS, Kind
from boxable.formats.tables import column_names
from boxable.prefetch import prefetch


def narrow(
    source: Path,
    dest: Path,
    *,
    classes: Collection[str] | None = None,
    images: Collection[str] | None = None,
) -> Written:
    """Filter the rows of `source` by class (MID) and image id into `dest`, sorted by ImageID; None keeps all.

    It is a table of boxes, of image labels, or of images, which have no class; both in any format. Columns that a data
    folder does not have, such as the extreme points of V6, are dropped. A sorted table, as the official ones are, is
    streamed; others are sorted in memory.

    Raises ArgumentError for a table that cannot be used, BoxableError where reading or writing fails.
    """
    import_arrow()
    check_table_name(source)
    check_table_name(dest)
    columns = native_columns(source)
    wanted = {
        name: frozenset(values)
        for name, values in (("ImageID", images), ("LabelName", classes))
        if values is not None and name in columns
    }
    rows_in = 0
    with sorted_table_writer(dest, columns) as out:
        for batch in prefetch(batches(source, columns), 1):
            rows_in += batch.num_rows
            for name, values in wanted.items():
                batch = batch.filter(has_value(batch.column(name), values.__contains__))
            out.write(batch)
    return Written(rows_in, out.rows, [])


def image_ids(path: Path) -> list[str]:
    """List the distinct images of a table, in order of first appearance."""
    seen: dict[str, None] = {}
    for batch in batches(path, {"ImageID": "text"}):
        column = batch.column("ImageID")
        seen.update(dict.fromkeys(column.dictionary.take(column.indices.unique()).to_pylist()))
    return list(seen)


def native_columns(path: Path) -> Mapping[str, Kind]:
    """Recognize a table by its columns, as boxes, image labels or images; return the columns a data folder keeps."""
    names = column_names(path)
    if "LabelName" not in names:
        return IMAGE_COLUMNS
    return BOX_COLUMNS if "XMin" in names else LABEL_COLUMNS
