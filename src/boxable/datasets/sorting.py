"""Sort tables that need not fit into memory: columns go to disk as they come, and are put in order afterwards."""

from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Rows that are put in order at a time.
_CHUNK = 1 << 18
# Strings that wait until it is found out which are the same.
_WAITING = 1 << 20


class StringNumbers:
    """Numbers for strings that come in batches; the strings are kept as Arrow keeps them, without objects.

    A string may get another number in another batch: which of them are the same is found out for many at once, since
    a look at all that are known costs more than a batch is worth.
    """

    def __init__(self) -> None:
        import pyarrow as pa

        self._known = pa.array([], pa.string())
        self._waiting: list[Any] = []
        self._waiting_count = 0
        self._given = 0
        self._same: list[NDArray[np.int32]] = []  # for each number, which of the known strings it stands for

    def of(self, column: Any) -> NDArray[np.int32]:
        """The numbers of an Arrow column of strings, or of a dictionary of them: int32 `[N]`."""
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
        """For each number given the place int32 of its string among the sorted ones, and these as an Arrow array."""
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
        self._known = together.dictionary  # the known ones keep their places: they come first
        self._waiting, self._waiting_count = [], 0


class Spool:
    """Columns of numbers on disk, with a code a row that is known while they are written, and sorted by later.

    `columns` gives the type and the numbers a row of each.
    """

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

    def codes(self) -> NDArray[np.int32]:
        """The codes `[N]`, as they came."""
        return self.column("code")

    def column(self, name: str) -> NDArray[Any]:
        """A column `[N]` or `[N, width]` as it came, mapped from its file."""
        self._files[name].flush()
        dtype, width = self._columns[name]
        return _mapped(self._paths[name], dtype, width)

    def sorted_by(self, codes: NDArray[np.int32], renumbered: dict[str, NDArray[np.int32]]) -> dict[str, NDArray[Any]]:
        """The columns but the code, in the order of these codes `[N]`, mapped from files; equal ones stay in order.

        `renumbered` gives, for some columns, what is to stand for each number.
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
    """Where the rows of each of `count` codes begin once they are sorted, and the end: int64 `[count + 1]`."""
    return np.append(0, np.cumsum(np.bincount(codes, minlength=count)))


def _mapped(path: Path, dtype: DTypeLike, width: int) -> NDArray[Any]:
    """An array over a file of numbers; a plain one where it is empty, which cannot be mapped."""
    shape = (-1,) if width == 1 else (-1, width)
    if path.stat().st_size == 0:
        return np.zeros(0 if width == 1 else (0, width), dtype)
    return np.memmap(path, dtype, "r").reshape(shape)
