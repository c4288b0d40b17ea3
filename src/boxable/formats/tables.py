"""Columns of CSV (also gzipped) and Parquet files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, BoxableError, MissingExtraError
from boxable.formats.annotations import Coded
from boxable.formats.columns import OTHER_NAMES, Kind

SUFFIXES = (".csv", ".csv.gz", ".parquet")
# The kinds of column that are strings.
TEXTS = ("text", "string")
_FLAG_TEXTS = {"true": 1.0, "false": 0.0, "": None, "nan": None, "none": None, "null": None}


class Table:
    """Some columns of a file: of strings as Coded, of numbers as float64 arrays; NaN where a number is missing."""

    def __init__(self, path: Path, rows: int) -> None:
        self.path = path
        self.rows = rows
        self.texts: dict[str, Coded] = {}
        self.numbers: dict[str, NDArray[np.float64]] = {}

    def text(self, name: str) -> Coded:
        """Return a column of strings."""
        return self.texts[name]

    def number(self, name: str, missing: float | None = None) -> NDArray[np.float64]:
        """Return a column of numbers; `missing` throughout where the file lacks it."""
        column = self.numbers.get(name)
        return np.full(self.rows, missing, np.float64) if column is None else column


def read_table(path: Path, columns: Mapping[str, Kind], *, optional: Sequence[str] = ()) -> Table:
    """Read these columns of a whole table; those in `optional` may be missing.

    This is faster than reading it in batches (`datasets.arrow_tables`), and takes more memory.

    Raises ArgumentError, naming the file, for a missing column and for text where a number should be; BoxableError
    where the file cannot be read; MissingExtraError without pyarrow.
    """
    require_tables()
    names = column_names(path)
    with table_errors(path, names):
        found = find_columns(path, columns, names, [name for name in columns if name not in optional])
        wanted = {other: columns[name] for name, other in found.items() if other is not None}
        arrow = _read(path, wanted)
        table = Table(path, arrow.num_rows)
        for name, other in found.items():
            if other is not None and columns[name] in TEXTS:
                table.texts[name] = _text_column(arrow.column(other))
            elif other is not None:
                table.numbers[name] = np.asarray(arrow.column(other).to_numpy(), np.float64)
    return table


def is_table(path: Path) -> bool:
    """Tell whether the name says that this is a file which `read_table` reads, and it is no folder."""
    return path.name.lower().endswith(SUFFIXES) and not path.is_dir()


def require_utf8(path: Path) -> None:
    """Raise ArgumentError for a path that is not UTF-8: Arrow opens no such file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ArgumentError(f"{path}: a name that is not UTF-8, which tables need; rename it") from None


def require_tables(extra: str = "boxable[evaluate]") -> None:
    """Raise MissingExtraError, which names the extra, if tables cannot be read here."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError("reading annotation tables", extra) from None


@contextmanager
def table_errors(path: Path, names: Sequence[str]) -> Iterator[None]:
    """Convert errors of reading this table to one line; `names` are its columns, once known.

    Raises ArgumentError for content that cannot be used, BoxableError where the file cannot be read.
    """
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise ArgumentError(f"{path}: no such file") from None
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or _reason(error, ())})") from error
    except UnicodeEncodeError:
        require_utf8(path)
        raise
    except ArgumentError as error:
        raise ArgumentError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise ArgumentError(f"{path}: {_reason(error, names)}") from error


def is_parquet(path: Path) -> bool:
    """Tell whether the name says that the file is Parquet."""
    return path.name.lower().endswith(".parquet")


def column_names(path: Path) -> list[str]:
    """Read the column names of a table, in order. Raises as `table_errors` does."""
    with table_errors(path, ()):
        if is_parquet(path):
            import pyarrow.parquet as pq

            return list(pq.read_schema(path).names)
        from pyarrow import csv

        with csv.open_csv(open_bytes(path), parse_options=csv.ParseOptions(newlines_in_values=True)) as reader:
            return list(reader.schema.names)


def find_columns(
    path: Path, columns: Mapping[str, Kind], names: Sequence[str], needed: Sequence[str]
) -> dict[str, str | None]:
    """Find the name of each column in a table that has columns `names`; None where it lacks the column.

    Raises ArgumentError where it lacks one of `needed`.
    """
    found = {name: next((other for other in (name, OTHER_NAMES.get(name)) if other in names), None) for name in columns}
    missing = [name for name in needed if name in columns and found[name] is None]
    if missing:
        raise ArgumentError(
            f"{path}: no column {', '.join(missing)}; it has {', '.join(names[:20]) or 'none'}, "
            f"expected {', '.join(name for name in columns if name in needed)}"
        )
    return found


def open_bytes(path: Path) -> Any:
    """Open a file as a `pyarrow` input stream, decompressed if its name ends in .gz."""
    import pyarrow as pa

    return pa.input_stream(str(path), compression="gzip" if path.name.lower().endswith(".gz") else None)


def _read(path: Path, wanted: Mapping[str, Kind]) -> Any:
    import pyarrow as pa

    if is_parquet(path):
        import pyarrow.parquet as pq

        plain = {name: pa.string() if kind in TEXTS else pa.float64() for name, kind in wanted.items()}
        table = pq.read_table(path, columns=list(wanted), page_checksum_verification=True)
        return table.select(list(wanted)).cast(pa.schema(list(plain.items())))
    try:
        return _read_csv(path, csv_types(wanted))
    except pa.ArrowInvalid:
        if "flag" not in wanted.values():
            raise
    return numbers_of_flags(_read_csv(path, csv_types(wanted, flags_as_text=True)), wanted)


def _read_csv(path: Path, types: Mapping[str, Any]) -> Any:
    from pyarrow import csv

    # Titles and authors may hold line breaks between quotes.
    return csv.read_csv(
        open_bytes(path),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(include_columns=list(types), column_types=types),
    )


def csv_types(wanted: Mapping[str, Kind], *, flags_as_text: bool = False) -> dict[str, Any]:
    """Return the Arrow types to read these columns of CSV in; flags are numbers, or text for `numbers_of_flags`."""
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    texts = (*TEXTS, "flag") if flags_as_text else TEXTS
    return {name: text if kind in texts else pa.float64() for name, kind in wanted.items()}


def numbers_of_flags(table: Any, wanted: Mapping[str, Kind]) -> Any:
    """Convert flags of a table or batch that are text, as pandas writes True and False, to numbers; null where empty.

    Raises ArgumentError for other text.
    """
    import pyarrow as pa

    for place, name in enumerate(table.schema.names):
        if wanted[name] != "flag":
            continue
        column = table.column(name)
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        parts = []
        for chunk in chunks:
            values = pa.array([_flag(text, name) for text in chunk.dictionary.to_pylist()], pa.float64())
            parts.append(values.take(chunk.indices))
        new = pa.chunked_array(parts, pa.float64()) if isinstance(column, pa.ChunkedArray) else parts[0]
        table = table.set_column(place, name, new)
    return table


def _flag(text: str, name: str) -> float | None:
    text = text.strip()
    if text.lower() in _FLAG_TEXTS:
        return _FLAG_TEXTS[text.lower()]
    try:
        return float(text)
    except ValueError:
        raise ArgumentError(f"column {name}: {text[:20]!r}; expected 0, 1, -1, True, False or nothing") from None


def _text_column(column: Any) -> Coded:
    """Strings as Coded; a missing one is empty."""
    if column.null_count or not hasattr(column.type, "value_type"):
        column = column.cast("string").fill_null("").dictionary_encode()
    merged = column.unify_dictionaries().combine_chunks()
    if hasattr(merged, "chunks"):  # older versions give a chunked array of one chunk, or of none
        merged = merged.chunk(0) if merged.num_chunks else None
    if merged is None:
        return Coded.of(())
    return Coded(np.asarray(merged.indices.to_numpy(), np.int32), merged.dictionary.to_pylist())


def _reason(error: Exception, names: Sequence[str]) -> str:
    """Shorten pyarrow's message to one line that names the column."""
    text = re.sub(r"\s*\. Detail: .*$", "", str(error), flags=re.DOTALL)
    column = re.match(r"In CSV column #(\d+)", text)
    if column and int(column[1]) < len(names):
        text = f"column {names[int(column[1])]}{text[column.end() :]}"
    return " ".join(text.split())[:300]
