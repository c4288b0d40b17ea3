"""Expand tables of boxes or image labels along the class hierarchy, at any size."""

from collections.abc import Callable, Collection, Generator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from boxable.datasets.arrow_tables import batches, has_value, import_arrow, unchanged_batches
from boxable.datasets.table_writer import Written, check_table_name, table_writer
from boxable.errors import ArgumentError
from boxable.findings import counted
from boxable.formats.annotations import Coded
from boxable.formats.columns import BOX_COLUMNS, EXTREME_POINTS, Kind, schema
from boxable.formats.expansion import related_rows
from boxable.formats.tables import column_names, is_parquet, table_errors
from boxable.prefetch import prefetch
from boxable.vocabulary import Hierarchy, open_images, open_images_hierarchy

# Unknown columns stay text.
_KINDS: dict[str, Kind] = {**BOX_COLUMNS, **EXTREME_POINTS}
_EXAMPLES = 3


class Expander:
    """Expand batches; `unknown` counts the rows of each class that is not one of Open Images."""

    def __init__(self, hierarchy: Hierarchy, *, boxes: bool) -> None:
        self._ancestors: Callable[[str], tuple[str, ...]] = cache(hierarchy.ancestors)
        self._descendants = cache(hierarchy.descendants)
        self._boxes = boxes
        self.unknown: dict[str, int] = {}

    def expand(self, batch: Any, only: Collection[str] | None = None) -> Any:
        """Add to each row the rows that it implies; with `only`, keep rows of these classes."""
        self._count_unknown(label_codes(batch))
        if only is not None:
            batch = batch.filter(has_value(batch.column("LabelName"), lambda mid: self._leads_to(mid, only)))
        label = label_codes(batch)
        if self._boxes:
            rows, new = related_rows(label, self._ancestors)
        else:
            here = np.asarray(batch.column("Confidence").cast("float64").fill_null(0)) == 1
            rows, new = related_rows(label, self._ancestors, self._descendants, here)
        if only is not None:
            kept = new.is_in(only)
            rows, new = rows[kept], new.take(kept)
        return with_labels(batch.take(rows), new)

    def _leads_to(self, mid: str, only: Collection[str]) -> bool:
        """Whether a row of this class is, or implies, one of these classes."""
        return any(other in only for other in (mid, *self._ancestors(mid), *self._descendants(mid)))

    def _count_unknown(self, label: Coded) -> None:
        known = _known_classes()
        if all(mid in known for mid in label.values):
            return
        counts = np.bincount(label.codes, minlength=len(label.values))
        for mid, count in zip(label.values, counts.tolist(), strict=True):
            if mid not in known and count:
                self.unknown[mid] = self.unknown.get(mid, 0) + count

    def notes(self) -> list[str]:
        """Format a line about rows whose class is not in the hierarchy, if any."""
        if not self.unknown:
            return []
        rows = sum(self.unknown.values())
        examples = ", ".join(repr(mid) for mid in list(self.unknown)[:_EXAMPLES])
        return [f"{counted(rows, 'row|s')} of a class that Open Images does not have, without copies: {examples}"]


@cache
def _known_classes() -> frozenset[str]:
    return frozenset(item.mid for item in open_images())


def expand_table(source: Path, dest: Path, classes: Collection[str] | None = None) -> Written:
    """Expand a table of boxes or image labels into another, of any format (SEMANTICS §8).

    With `classes` (MIDs) only rows of these are kept, implied ones included. All columns and values stay; between CSV
    files they are copied letter by letter. Memory holds a few batches.
    Raises ArgumentError for another table, BoxableError where reading or writing fails.
    """
    import_arrow()
    check_table_name(source)
    check_table_name(dest)
    names = column_names(source)
    with table_errors(source, names):
        boxes = _holds_boxes(source, names)
        if source.resolve() == dest.resolve():
            raise ArgumentError(f"{dest}: expected another file than the source")
        kinds = {name: _KINDS.get(name, "string") if is_parquet(dest) else "string" for name in names}
        columns: dict[str, Kind] = {**kinds, "LabelName": "text"}
        expander = Expander(open_images_hierarchy(), boxes=boxes)
        rows_in = 0
        kept, incoming = schema(columns), batches(source, columns, needed=())
        if is_parquet(source):
            kept, incoming = _with_coded_labels(*unchanged_batches(source))
        with table_writer(dest, kept) as out:
            for batch in prefetch(incoming, 1):
                rows_in += batch.num_rows
                out.write(expander.expand(batch, None if classes is None else frozenset(classes)))
    return Written(rows_in, out.rows, expander.notes())


def _holds_boxes(path: Path, names: list[str]) -> bool:
    """Whether these are boxes, else image labels. Raises ArgumentError if they are neither."""
    if "LabelName" in names and "XMin" in names:
        return True
    if "LabelName" in names and "Confidence" in names:
        return False
    raise ArgumentError(
        f"{path}: expected columns LabelName, and XMin for boxes or Confidence for image labels, got "
        f"{', '.join(names[:20]) or 'none'}"
    )


def _with_coded_labels(schema: Any, rows: Generator[Any]) -> tuple[Any, Generator[Any]]:
    """Turn LabelName into a dictionary column, in a schema and its batches."""
    import pyarrow as pa

    place = schema.get_field_index("LabelName")
    labels = pa.field("LabelName", pa.dictionary(pa.int32(), pa.string()))
    return schema.set(place, labels), (
        batch.set_column(place, labels, batch.column(place).cast(pa.string()).fill_null("").dictionary_encode())
        for batch in rows
    )


def label_codes(batch: Any) -> Coded:
    """Return the column LabelName of a batch, a dictionary column."""
    column = batch.column("LabelName")
    return Coded(np.asarray(column.indices, np.int32), column.dictionary.to_pylist())


def with_labels(batch: Any, label: Coded) -> Any:
    """Replace the column LabelName of a batch."""
    import pyarrow as pa

    column = pa.DictionaryArray.from_arrays(label.codes, pa.array(label.values, pa.string()))
    return batch.set_column(batch.schema.get_field_index("LabelName"), batch.schema.field("LabelName"), column)
