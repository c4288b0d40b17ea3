"""Write tables batch by batch, as .parquet, .csv or .csv.gz."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from boxable.errors import ArgumentError
from boxable.files import atomic_path
from boxable.formats.rows import csv_lines
from boxable.formats.tables import SUFFIXES, is_parquet, is_table

# Large enough that dictionaries of a row group cost little, small enough to keep a few in memory.
GROUP_ROWS = 1 << 19
# The ids of a row group exceed the default of 1 MiB; without a dictionary the file doubles in size.
_DICTIONARY_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """The number of rows read and written, and notes about them."""

    rows_in: int
    rows_out: int
    notes: list[str]


def check_table_name(path: Path) -> None:
    """Raise ArgumentError unless the suffix is that of a table."""
    if not is_table(path):
        raise ArgumentError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")


@contextmanager
def table_writer(path: Path, schema: Any) -> Iterator["ParquetWriter | CsvWriter"]:
    """Write a table of this Arrow schema; the file appears when the block ends, and not if it raises."""
    check_table_name(path)
    with atomic_path(path) as temporary:
        packed = path.name.lower().endswith(".gz")
        parquet = is_parquet(path)
        writer = ParquetWriter(temporary, schema) if parquet else CsvWriter(temporary, schema, packed=packed)
        try:
            yield writer
        finally:
            writer.close()


class ParquetWriter:
    """A Parquet file written in row groups; `rows` is the number of rows."""

    def __init__(self, path: Path, schema: Any) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.rows = 0
        self._schema = schema
        self._waiting: list[Any] = []
        self._waiting_rows = 0
        # Dictionaries of coordinates would cost half the writing time and enlarge the file.
        repeated = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        self._file = pq.ParquetWriter(
            path, schema, compression="zstd", compression_level=1, use_dictionary=repeated,
            dictionary_pagesize_limit=_DICTIONARY_BYTES, write_page_checksum=True,
        )  # fmt: skip

    def write(self, batch: Any) -> None:
        """Add a `pyarrow.RecordBatch` of the schema."""
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self.rows += batch.num_rows
        if self._waiting_rows >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        """Write a row group with one dictionary; with several, Parquet writes plain strings."""
        import pyarrow as pa

        waiting, self._waiting, self._waiting_rows = self._waiting, [], 0
        table = pa.Table.from_batches(waiting, self._schema)
        self._file.write_table(table.unify_dictionaries(), row_group_size=2 * GROUP_ROWS)

    def close(self) -> None:
        """Finish the file."""
        if self._waiting:
            self._flush()
        self._file.close()


class CsvWriter:
    """A CSV file; `rows` is the number of rows."""

    def __init__(self, path: Path, schema: Any, *, packed: bool) -> None:
        import pyarrow as pa

        self.rows = 0
        self._file: IO[bytes] = pa.output_stream(str(path), compression="gzip" if packed else None)
        self._file.write(csv_lines([schema.names]).encode())

    def write(self, batch: Any) -> None:
        """Add a `pyarrow.RecordBatch` of the schema."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        self.rows += batch.num_rows
        plain = _without_dictionaries(batch)
        lines = io.BytesIO()
        options = arrow_csv.WriteOptions(include_header=False, quoting_style="none")
        try:
            arrow_csv.write_csv(plain, lines, options)
            needs_quotes = b"\r" in lines.getvalue()  # Arrow writes it unquoted, and reads it as the end of a line
        except pa.ArrowInvalid:
            needs_quotes = True
        if needs_quotes:  # Arrow would quote every string
            columns = (column.to_pylist() for column in plain.columns)
            self._file.write(csv_lines(zip(*columns, strict=True)).encode())
        else:
            self._file.write(lines.getvalue())

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def _without_dictionaries(batch: Any) -> Any:
    import pyarrow as pa

    columns = [
        column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)
