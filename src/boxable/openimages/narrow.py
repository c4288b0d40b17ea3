"""From an official table of any size to the rows that are wanted, in the columns of a data folder."""

from collections.abc import Collection, Mapping
from pathlib import Path

from boxable.datasets.arrow_tables import batches, import_arrow
from boxable.formats.columns import BOX_COLUMNS, IMAGE_COLUMNS, LABEL_COLUMNS, Kind
from boxable.formats.tables import column_names, table_errors
from boxable.openimages.expand_table import has_value
from boxable.openimages.image_order import sorted_table_writer
from boxable.openimages.table_writer import Written, check_table_name
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
    rows_in = 0
    with sorted_table_writer(dest, columns) as out:
        for batch in prefetch(batches(source, columns), 1):
            rows_in += batch.num_rows
            rows = batch
            if chosen is not None:
                rows = rows.filter(has_value(rows.column("ImageID"), chosen.__contains__))
            if wanted is not None:
                rows = rows.filter(has_value(rows.column("LabelName"), wanted.__contains__))
            out.write(rows)
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
