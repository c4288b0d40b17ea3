"""The ledger of a data folder: the state of every image to fetch, in SQLite."""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from boxable.errors import ArgumentError, BoxableError, FetchError

State = Literal["wanted", "done", "failed"]

_SCHEMA = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS images (
    id TEXT PRIMARY KEY,
    address TEXT NOT NULL,      -- below the address of the images, or whole
    expected_size INTEGER,      -- as published, where it is
    expected_md5 TEXT,          -- hexadecimal
    state TEXT NOT NULL DEFAULT 'wanted' CHECK (state IN ('wanted', 'done', 'failed')),
    tries INTEGER NOT NULL DEFAULT 0,
    size INTEGER, md5 TEXT,     -- of the file that is there
    width INTEGER, height INTEGER,
    reason TEXT                 -- why it failed
) WITHOUT ROWID
"""
_PAGE = 1000
# After a kill, files that are newer than the last commit are checked and recorded again.
_COMMIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image to fetch: its address below the one of the images, or whole; size and hexadecimal MD5 where known."""

    id: str
    address: str
    size: int | None = None
    md5: str | None = None

    @property
    def is_original(self) -> bool:
        """Whether it is the original, not the copy in the bucket."""
        return "://" in self.address


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an image: size in bytes, MD5, width and height of its file, or the reason of the failure.

    `error` is the fetch error behind the reason, if it was one.
    """

    id: str
    tries: int
    size: int = 0
    md5: str = ""
    width: int = 0
    height: int = 0
    reason: str | None = None
    error: FetchError | None = None


class Ledger:
    """The ledger of one folder, open; used from one thread. Raises BoxableError where it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._committed = time.monotonic()
        self._waiting: list[Outcome] = []
        with self._errors():
            self._base = sqlite3.connect(path, isolation_level=None)
            version = self._base.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _SCHEMA):
                raise ArgumentError(
                    f"{path}: a ledger of kind {version}; this version of Boxable reads and writes kind {_SCHEMA}; "
                    "update Boxable, or fetch into a new folder"
                )
            if version == 0:
                self._base.execute(_TABLE)
                self._base.execute(f"PRAGMA user_version = {_SCHEMA}")

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        try:
            self.commit()
        finally:
            self._base.close()

    def want(self, images: Iterable[Wanted]) -> None:
        """Add images; one that exists keeps its state and gets the new address, size and MD5."""
        rows = ((image.id, image.address, image.size, image.md5) for image in images)
        with self._errors(), self._transaction():
            self._base.executemany(
                "INSERT INTO images (id, address, expected_size, expected_md5) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO "
                "UPDATE SET address = excluded.address, expected_size = excluded.expected_size, "
                "expected_md5 = excluded.expected_md5",
                rows,
            )

    def ids(self) -> Iterator[str]:
        """Yield the ids of all images, in order."""
        for (image_id,) in self._pages("SELECT id FROM images WHERE id > ?"):
            yield image_id

    def missing(self) -> Iterator[Wanted]:
        """Yield the images that are not done, in order; outcomes may be recorded meanwhile."""
        pages = self._pages(
            "SELECT id, address, expected_size, expected_md5 FROM images WHERE id > ? AND state != 'done'"
        )
        for row in pages:
            yield Wanted(*row)

    def done(self) -> Iterator[tuple[str, int]]:
        """Yield id and size of the images that are done, in order."""
        yield from self._pages("SELECT id, size FROM images WHERE id > ? AND state = 'done'")

    def md5s(self) -> Iterator[tuple[str, str]]:
        """Yield id and MD5 of the images that are done, in order."""
        yield from self._pages("SELECT id, md5 FROM images WHERE id > ? AND state = 'done'")

    def failures(self) -> Iterator[tuple[str, str]]:
        """Yield id and reason of the images that failed, in order."""
        yield from self._pages("SELECT id, reason FROM images WHERE id > ? AND state = 'failed'")

    def sizes(self, first: str, last: str) -> dict[str, tuple[int, int]]:
        """Return width and height of the images from `first` to `last` that are done."""
        with self._errors():
            rows = self._base.execute(
                "SELECT id, width, height FROM images WHERE id BETWEEN ? AND ? AND state = 'done'", (first, last)
            )
            return {image_id: (width, height) for image_id, width, height in rows}

    def counts(self) -> dict[State, tuple[int, int]]:
        """Count images and bytes in each state."""
        with self._errors():
            rows = self._base.execute("SELECT state, count(*), coalesce(sum(size), 0) FROM images GROUP BY state")
            found = {state: (count, size) for state, count, size in rows}
        return {state: found.get(state, (0, 0)) for state in ("wanted", "done", "failed")}

    def record(self, outcome: Outcome) -> None:
        """Record an outcome; it is committed with the others of the same second, or by `commit`."""
        self._waiting.append(outcome)
        if time.monotonic() - self._committed > _COMMIT_S:
            self.commit()

    def commit(self) -> None:
        """Commit the recorded outcomes."""
        self._committed = time.monotonic()
        outcomes, self._waiting = self._waiting, []
        if not outcomes:
            return
        with self._errors(), self._transaction():
            self._base.executemany(
                "UPDATE images SET state = ?, tries = tries + ?, size = ?, md5 = ?, width = ?, height = ?, reason = ? "
                "WHERE id = ?",
                (
                    ("failed", item.tries, None, None, None, None, item.reason, item.id)
                    if item.reason is not None
                    else ("done", item.tries, item.size, item.md5, item.width, item.height, None, item.id)
                    for item in outcomes
                ),
            )

    def forget(self, ids: Iterable[str]) -> None:
        """Set the state of these images back to wanted: their files are missing or changed."""
        with self._errors(), self._transaction():
            self._base.executemany(
                "UPDATE images SET state = 'wanted', size = NULL, md5 = NULL, width = NULL, height = NULL WHERE id = ?",
                ((image_id,) for image_id in ids),
            )

    def _pages(self, query: str) -> Iterator[Any]:
        """Yield the rows of a query on ids after `?`, page by page, in bounded memory."""
        last = ""
        while True:
            with self._errors():
                rows = self._base.execute(f"{query} ORDER BY id LIMIT {_PAGE}", (last,)).fetchall()
            if not rows:
                return
            yield from rows
            last = rows[-1][0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._base.execute("BEGIN")
        try:
            yield
        except BaseException:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if "full" in str(error) or "disk I/O" in str(error):
                raise BoxableError(f"cannot write {self.path}: {error}; make room and run it again to go on") from error
            raise BoxableError(
                f"{self.path}: {error}; if it is damaged, remove it: the images are checked and noted again"
            ) from error
