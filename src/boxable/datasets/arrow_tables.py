"""Tables of a data folder as Arrow: streamed in batches or whole, whatever the format of the file."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.formats.columns import BOX_COLUMNS, EXTREME_POINTS, LABEL_COLUMNS, NEEDED, OTHER_NAMES, Kind, schema
from boxable.formats.tables import (
    TEXTS,
    column_names,
    csv_types,
    find_columns,
    is_parquet,
    numbers_of_flags,
    open_bytes,
    require_tables,
    table_errors,
)

BLOCK_BYTES = 8 << 20
BATCH_ROWS = 1 << 17
# The columns of tables of boxes and image labels; they hold no line breaks.
_PLAIN = {*BOX_COLUMNS, *LABEL_COLUMNS, *EXTREME_POINTS, *OTHER_NAMES.values()}
EXTRA = "boxable[data]"


def read(path: Path, columns: Mapping[str, Kind]) -> Any:
    """Read these columns of a whole table: a `pyarrow.Table`. Raises as `batches` does."""
    import_arrow()
    import pyarrow as pa

    return pa.Table.from_batches(batches(path, columns), schema(columns)).unify_dictionaries()


def batches(path: Path, columns: Mapping[str, Kind], needed: Sequence[str] = NEEDED) -> Generator[Any]:
    """Stream these columns of a table in record batches, a few in memory at a time.

    A column that the file lacks is unknown throughout, unless it is one of `needed`. Other columns are dropped.
    Raises ArgumentError, naming the file, for a missing column and for values of another type; BoxableError where the
    file cannot be read; MissingExtraError without pyarrow.
    """
    import_arrow()
    names = column_names(path)
    with table_errors(path, names):
        found = find_columns(path, columns, names, needed)
        target = schema(columns)
        wanted = {other: columns[name] for name, other in found.items() if other}
        for batch in _raw(path, wanted, newlines=not _PLAIN.issuperset(names)):
            yield _typed(batch, columns, found, target)


def unchanged_batches(path: Path) -> tuple[Any, Generator[Any]]:
    """Stream all columns of a table: its Arrow schema and its batches.

    Columns of Parquet keep their types; those of CSV are strings, letter by letter. Raises as `batches` does.
    """
    import_arrow()
    with table_errors(path, ()):
        if not is_parquet(path):
            columns: dict[str, Kind] = dict.fromkeys(column_names(path), "string")
            return schema(columns), batches(path, columns, needed=())
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)

    def rows() -> Generator[Any]:
        with table_errors(path, file.schema_arrow.names), file:
            yield from file.iter_batches(BATCH_ROWS)

    return file.schema_arrow, rows()


def numbers(batch: Any, name: str) -> NDArray[Any]:
    """Convert a column of a record batch to an array, NaN where a number is missing."""
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False))


def has_value(column: Any, condition: Callable[[str], bool]) -> Any:
    """Find the rows of a column of strings whose value meets a condition, evaluated once per value; missing is ""."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    column = column.fill_null("") if column.null_count else column
    return pa.array([condition(value) for value in column.dictionary.to_pylist()], pa.bool_()).take(column.indices)


def import_arrow() -> None:
    """Raise MissingExtraError without pyarrow."""
    require_tables(EXTRA)


def _raw(path: Path, wanted: Mapping[str, Kind], *, newlines: bool) -> Iterator[Any]:
    """Stream these columns as Parquet has them, or as floats and strings of CSV.

    `newlines` says whether any column of a CSV may hold line breaks between quotes.
    """
    if is_parquet(path):
        import pyarrow.parquet as pq

        texts = [name for name, kind in wanted.items() if kind == "text"]
        with pq.ParquetFile(path, read_dictionary=texts, memory_map=True, page_checksum_verification=True) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(wanted)):
                batch.validate(full=True)  # damage in a file without checksums can make indices out of range
                if batch.num_rows:
                    yield batch
        return
    import pyarrow as pa

    try:
        first, rest = _open_csv(path, wanted, newlines=newlines, flags_as_text=False)
    except pa.ArrowInvalid:
        if "flag" not in wanted.values():
            raise
        first, rest = _open_csv(path, wanted, newlines=newlines, flags_as_text=True)
    yield from (batch for batch in chain([first], rest) if batch.num_rows)


def _open_csv(
    path: Path, wanted: Mapping[str, Kind], *, newlines: bool, flags_as_text: bool
) -> tuple[Any, Iterator[Any]]:
    """Read the first batch of a CSV, and return it and the others; values of other types are found in it."""
    import pyarrow as pa
    from pyarrow import csv

    dictionaries = {field.name: field.type for field in schema(wanted) if wanted[field.name] in TEXTS}
    types = csv_types(wanted, flags_as_text=flags_as_text) | dictionaries

    def rows() -> Iterator[Any]:
        with open_bytes(path) as stream, csv.open_csv(
            stream,
            read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
            # Without them, finding lines is cheaper.
            parse_options=csv.ParseOptions(newlines_in_values=newlines),
            convert_options=csv.ConvertOptions(include_columns=list(wanted), column_types=types),
        ) as reader:  # fmt: skip
            for batch in reader:
                yield numbers_of_flags(batch, wanted) if flags_as_text else batch

    batches_of_file = rows()
    empty = pa.RecordBatch.from_arrays([], names=[])
    return next(batches_of_file, empty), batches_of_file


def _typed(batch: Any, columns: Mapping[str, Kind], found: Mapping[str, str | None], target: Any) -> Any:
    import pyarrow as pa

    arrays = []
    for name, kind in columns.items():
        other = found[name]
        column = None if other is None else batch.column(batch.schema.get_field_index(other))
        arrays.append(_as_kind(column, kind, target.field(name).type, batch.num_rows))
    return pa.RecordBatch.from_arrays(arrays, schema=target)


def _as_kind(column: Any, kind: Kind, wanted: Any, rows: int) -> Any:
    """Cast a column to the type of its kind; fill missing values with the one that means unknown."""
    import pyarrow as pa

    unknown = {"text": "", "string": "", "flag": -1, "pixels": 0}.get(kind)
    if column is None:
        plain = pa.string() if kind == "text" else wanted
        column = pa.repeat(pa.scalar(unknown, plain), rows)
    if column.null_count and unknown is not None:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        # Flags may be booleans, which cannot hold -1.
        column = column.cast(pa.string() if kind == "text" else wanted).fill_null(unknown)
    if kind == "text" and not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    return column if column.type == wanted else column.cast(wanted)
