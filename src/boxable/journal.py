"""A journal of a resumable job: one JSON line for each result, appended as it is completed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boxable.files import writing

Stamp = list[int]


def stamp_of(path: Path) -> Stamp:
    """Return the size of a file and the time of its last change; zeros where it cannot be read."""
    try:
        status = path.stat()
    except OSError:
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


class Journal:
    """The results of a job: `[key, stamp, record]` a line. A later line of the same key supersedes an earlier one.

    The stamp tells the state of the input, so that a result of a changed input is computed again. Lines from a
    truncated or invalid one on are dropped, so a killed job can be resumed. `is_record` validates records.
    """

    def __init__(self, path: Path, is_record: Callable[[Any], bool]) -> None:
        self.path = path
        self._is_record = is_record
        self._end = 0
        self._held: dict[str, tuple[int, Stamp]] = {}  # end of its line, stamp
        for end, key, stamp, _ in self._lines():
            self._end = end
            self._held[key] = end, stamp

    def holds(self, key: str, stamp: Stamp) -> bool:
        """Tell whether the journal has the result of this key with this stamp."""
        return key in self._held and self._held[key][1] == stamp

    @contextmanager
    def appending(self) -> Iterator[Callable[[str, Stamp, Any], None]]:
        """Open the journal; yield a function that appends a key, stamp and record, and hands them to the system."""
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with writing(self.path), self.path.open("ab") as file:
            file.truncate(self._end)

            def append(key: str, stamp: Stamp, record: Any) -> None:
                file.write(json.dumps([key, stamp, record]).encode() + b"\n")
                file.flush()
                self._end = file.tell()
                self._held[key] = self._end, stamp

            yield append

    def records(self, stamps: dict[str, Stamp]) -> Iterator[Any]:
        """Read the records of these keys with these stamps from disk, one by one."""
        for end, key, stamp, record in self._lines():
            if stamps.get(key) == stamp and self._held[key][0] == end:
                yield record

    def _lines(self) -> Iterator[tuple[int, str, Stamp, Any]]:
        """Read the valid lines, each with the offset of its end."""
        if not self.path.exists():
            return
        end = 0
        with self.path.open("rb") as file:
            for line in file:
                end += len(line)
                try:
                    key, stamp, record = json.loads(line if line.endswith(b"\n") else b"")
                except (ValueError, TypeError):
                    return
                if not (isinstance(key, str) and self._is_record(record)):
                    return
                yield end, key, stamp, record
