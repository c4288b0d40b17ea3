"""Tables in the order of their images, and one image after the other."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from boxable.openimages.arrow_tables import BATCH_ROWS, batches, read
from boxable.openimages.layout import Kind
from boxable.openimages.table_writer import table_writer

# The columns of one image: strings as a list, numbers as an array.
Columns = dict[str, Any]


def is_sorted(path: Path) -> bool:
    """Whether the rows of a table are in the order of ImageID; reads this column, in batches."""
    last = ""
    for batch in batches(path, {"ImageID": "text"}):
        if not is_in_order(batch.column("ImageID"), last):
            return False
        last = batch.column("ImageID")[-1].as_py()
    return True


def sorted_table(path: Path, columns: Mapping[str, Kind]) -> Any:
    """The whole table in the order of ImageID, a `pyarrow.Table`; rows of one image stay in theirs."""
    import pyarrow.compute as pc

    table = read(path, columns)
    return table.take(pc.sort_indices(table.column("ImageID").cast("string"))).combine_chunks()


def is_in_order(column: Any, last: str) -> bool:
    """Whether these ids come in order, and after `last`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    in_order = pc.all(pc.less_equal(plain[:-1], plain[1:]), min_count=0).as_py()
    return bool(in_order) and last <= plain[0].as_py()


def write_sorted(source: Path, dest: Path, columns: Mapping[str, Kind]) -> None:
    """Write a table in the order of ImageID; all of it is in memory then."""
    table = sorted_table(source, columns)
    with table_writer(dest, table.schema) as out:
        for batch in table.to_batches(BATCH_ROWS):
            out.write(batch)


def rows_by_image(path: Path, columns: Mapping[str, Kind]) -> Iterator[tuple[str, Columns]]:
    """Each image of a table, in the order of ImageID, and its rows: the other columns.

    A table that is in this order already is streamed, others are held in memory.
    """
    if is_sorted(path):
        incoming: Iterator[Any] = batches(path, columns)
    else:
        incoming = iter(sorted_table(path, columns).to_batches(BATCH_ROWS))
    rest: Any = None
    for batch in incoming:
        joined = batch if rest is None else _joined(rest, batch)
        starts = _starts(joined.column("ImageID"))
        # The rows of the last image may go on in the next batch.
        yield from _images(joined, columns, starts)
        rest = joined.slice(starts[-1])
    if rest is not None:
        yield from _images(rest, columns, np.array([0, rest.num_rows]))


def _joined(first: Any, second: Any) -> Any:
    import pyarrow as pa

    table = pa.Table.from_batches([first, second]).unify_dictionaries()
    return table.combine_chunks().to_batches()[0]


def _starts(column: Any) -> Any:
    """Where the rows of each image begin: intp `[M]`."""
    import pyarrow as pa

    codes = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return np.flatnonzero(np.diff(np.asarray(codes.indices), prepend=-1))


def _images(batch: Any, columns: Mapping[str, Kind], starts: Any) -> Iterator[tuple[str, Columns]]:
    """The images between these rows."""
    images = batch.column("ImageID").take(starts[:-1]).to_pylist() if len(starts) > 1 else []
    named = {
        name: batch.column(name).to_pylist() if kind in ("text", "string") else np.asarray(batch.column(name))
        for name, kind in columns.items()
        if name != "ImageID"
    }
    for image, start, end in zip(images, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        yield image, {name: column[start:end] for name, column in named.items()}
