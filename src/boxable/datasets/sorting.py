"""Sort tables that need not fit into memory: columns are spooled to disk, and sorted afterwards."""

from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Rows that are sorted at a time.
_CHUNK = 1 << 18
# Strings that are collected before they are deduplicated.
_WAITING = 1 << 20


class StringNumbers:
    """Dictionary-encode strings that come in batches, in Arrow memory.

    A string may get another code in another batch; codes are merged for many batches at once, because a look-up in all
    known strings costs more than one batch is worth.
    """

    def __init__(self) -> None:
        import pyarrow as pa

        self._known = pa.array([], pa.string())
        self._waiting: list[Any] = []
        self._waiting_count = 0
        self._given = 0
        self._same: list[NDArray[np.int32]] = []  # for each code, the known string it stands for

    def of(self, column: Any) -> NDArray[np.int32]:
        """Encode an Arrow column of strings, plain or dictionary: codes int32 `[N]`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        used = pc.unique(coded.indices)  # a dictionary may hold more than its batch needs
        numbers = np.full(len(coded.dictionary), -1, np.int32)
        numbers[used.to_numpy()] = self._given + np.arange(len(used), dtype=np.int32)
        self._given += len(used)
        self._waiting.append(coded.dictionary.take(used))
        self._waiting_count += len(used)
        if self._waiting_count > max(_WAITING, len(self._known)):
            self._settle()
        return np.asarray(numbers[coded.indices.to_numpy()])

    def sorted(self) -> tuple[NDArray[np.int32], Any]:
        """Sort the strings: for each code the rank of its string, int32, and the sorted strings as an Arrow array."""
        import pyarrow.compute as pc

        self._settle()
        order = pc.sort_indices(self._known).to_numpy()
        places = np.empty(len(order), np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        return places[np.concatenate(self._same)], self._known.take(order)

    def _settle(self) -> None:
        import pyarrow as pa

        together = pa.concat_arrays([self._known, *self._waiting]).dictionary_encode()
        self._same.append(together.indices.to_numpy()[len(self._known) :])
        self._known = together.dictionary  # known strings come first and keep their places
        self._waiting, self._waiting_count = [], 0


class Spool:
    """Columns of numbers on disk, with a code for each row to sort by; `columns` gives their dtypes and widths."""

    def __init__(self, path: Path, columns: dict[str, tuple[DTypeLike, int]]) -> None:
        self._columns = {"code": (np.int32, 1), **columns}
        self._paths = {name: path.with_name(f"{path.name}-{name}") for name in self._columns}
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> "Spool":
        self._files = {name: path.open("wb") for name, path in self._paths.items()}
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        for file in self._files.values():
            file.close()

    def add(self, code: NDArray[np.int32], **columns: NDArray[Any]) -> None:
        """Append rows."""
        with np.errstate(over="ignore"):  # a coordinate beyond float32 becomes infinite, for `verify` to find
            for name, values in {"code": code, **columns}.items():
                self._files[name].write(np.ascontiguousarray(values, self._columns[name][0]).data)

    def column(self, name: str) -> NDArray[Any]:
        """Map a column `[N]` or `[N, width]` from its file, in the order of writing."""
        self._files[name].flush()
        dtype, width = self._columns[name]
        return _mapped(self._paths[name], dtype, width)

    def sorted_by(self, codes: NDArray[np.int32], renumbered: dict[str, NDArray[np.int32]]) -> dict[str, NDArray[Any]]:
        """Sort all columns but the code by these codes `[N]`, stably, into mapped files.

        `renumbered` gives, for some columns, the new value of each number.
        """
        order = np.argsort(codes, kind="stable")
        columns = {}
        for name, (dtype, width) in self._columns.items():
            if name == "code":
                continue
            values = self.column(name)
            path = self._paths[name].with_name(f"{self._paths[name].name}-sorted")
            with path.open("wb") as file:
                for start in range(0, len(order), _CHUNK):
                    rows = values[order[start : start + _CHUNK]]
                    if name in renumbered:
                        rows = renumbered[name][rows]
                    file.write(np.ascontiguousarray(rows, dtype).data)
            columns[name] = _mapped(path, dtype, width)
        return columns


def starts_of(codes: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Find the first sorted row of each of `count` codes, and the end: int64 `[count + 1]`."""
    return np.append(0, np.cumsum(np.bincount(codes, minlength=count)))


def _mapped(path: Path, dtype: DTypeLike, width: int) -> NDArray[Any]:
    """Map a file of numbers as an array; an empty file cannot be mapped and gives a plain one."""
    shape = (-1,) if width == 1 else (-1, width)
    if path.stat().st_size == 0:
        return np.zeros(0 if width == 1 else (0, width), dtype)
    return np.memmap(path, dtype, "r").reshape(shape)
