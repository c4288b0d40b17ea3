"""Tables sorted by ImageID: the one place that checks the order, makes it, and reads tables image by image."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from boxable.datasets.arrow_tables import BATCH_ROWS, batches, read
from boxable.datasets.table_writer import CsvWriter, ParquetWriter, check_table_name, table_writer
from boxable.files import writing
from boxable.formats.columns import Kind, schema
from boxable.formats.tables import SUFFIXES

# The columns of one image: strings as a list, numbers as an array.
Columns = dict[str, Any]


class SortedTableWriter:
    """A table writer that notes whether its rows come in order of ImageID; `rows` is their number."""

    def __init__(self, out: ParquetWriter | CsvWriter) -> None:
        self._out = out
        self._last = ""
        self.rows = 0
        self.is_sorted = True

    def write(self, batch: Any) -> None:
        """Add a `pyarrow.RecordBatch` of the schema."""
        if batch.num_rows:
            ids = batch.column("ImageID")
            self.is_sorted = self.is_sorted and _is_in_order(ids, self._last)
            self._last = ids[-1].as_py()
            self._out.write(batch)
            self.rows += batch.num_rows


@contextmanager
def sorted_table_writer(path: Path, columns: Mapping[str, Kind]) -> Iterator[SortedTableWriter]:
    """Write a table sorted by ImageID; the file appears when the block ends, and not if it raises.

    Batches in order stream through. Others are sorted at the end, with the whole table in memory; rows of one image
    keep their order.
    """
    check_table_name(path)
    suffix = next(suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix))
    scratch = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.rows{suffix}")
    try:
        with table_writer(scratch, schema(columns)) as out:
            writer = SortedTableWriter(out)
            yield writer
        if writer.is_sorted:
            with writing(path):
                scratch.replace(path)
        else:
            write_sorted(scratch, path, columns)
    finally:
        with suppress(OSError):
            scratch.unlink()


def write_sorted(source: Path, dest: Path, columns: Mapping[str, Kind]) -> None:
    """Sort a table by ImageID into another file, in memory."""
    table = _sorted(source, columns)
    with table_writer(dest, table.schema) as out:
        for batch in table.to_batches(BATCH_ROWS):
            out.write(batch)


def is_sorted(path: Path) -> bool:
    """Tell whether the rows of a table are sorted by ImageID; reads this column, in batches."""
    last = ""
    for batch in batches(path, {"ImageID": "text"}):
        if not _is_in_order(batch.column("ImageID"), last):
            return False
        last = batch.column("ImageID")[-1].as_py()
    return True


def _is_in_order(column: Any, last: str) -> bool:
    """Tell whether these ids are sorted, and not before `last`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    in_order = pc.all(pc.less_equal(plain[:-1], plain[1:]), min_count=0).as_py()
    return bool(in_order) and last <= plain[0].as_py()


def _sorted(path: Path, columns: Mapping[str, Kind]) -> Any:
    """Read a table and sort it by ImageID: a `pyarrow.Table`."""
    import pyarrow.compute as pc

    table = read(path, columns)
    return table.take(pc.sort_indices(table.column("ImageID").cast("string"))).combine_chunks()


def rows_by_image(path: Path, columns: Mapping[str, Kind]) -> Iterator[tuple[str, Columns]]:
    """Iterate over the images of a table in order of ImageID: the id, and the other columns of its rows.

    A sorted table is streamed, others are sorted in memory.
    """
    if is_sorted(path):
        incoming: Iterator[Any] = batches(path, columns)
    else:
        incoming = iter(_sorted(path, columns).to_batches(BATCH_ROWS))
    rest: Any = None
    for batch in incoming:
        joined = batch if rest is None else _joined(rest, batch)
        starts = _starts(joined.column("ImageID"))
        # The rows of the last image may continue in the next batch.
        yield from _images(joined, columns, starts)
        rest = joined.slice(starts[-1])
    if rest is not None:
        yield from _images(rest, columns, np.array([0, rest.num_rows]))


def _joined(first: Any, second: Any) -> Any:
    import pyarrow as pa

    table = pa.Table.from_batches([first, second]).unify_dictionaries()
    return table.combine_chunks().to_batches()[0]


def _starts(column: Any) -> Any:
    """Find the first row of each image: intp `[M]`."""
    import pyarrow as pa

    codes = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return np.flatnonzero(np.diff(np.asarray(codes.indices), prepend=-1))


def _images(batch: Any, columns: Mapping[str, Kind], starts: Any) -> Iterator[tuple[str, Columns]]:
    """Slice the rows of each image."""
    images = batch.column("ImageID").take(starts[:-1]).to_pylist() if len(starts) > 1 else []
    named = {
        name: batch.column(name).to_pylist() if kind in ("text", "string") else np.asarray(batch.column(name))
        for name, kind in columns.items()
        if name != "ImageID"
    }
    for image, start, end in zip(images, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        yield image, {name: column[start:end] for name, column in named.items()}
