"""The output folder of a run: it never holds files of two runs.

`.boxable-run` lists the files that a run wrote, one JSON line each: `[path below the folder, state]`. The state is the
size and the time of the last change: a file that somebody has changed since is no longer the run's. It is null for a
file that grows until the end of the run.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from os.path import realpath
from pathlib import Path
from typing import IO

import filelock

from boxable.errors import ArgumentError
from boxable.files import atomic_file, write_atomically, writing
from boxable.journal import Stamp, stamp_of

RECORD, LOCK = ".boxable-run", ".lock"

State = Stamp | None


class RunFolder:
    """A folder, and the record of the files that runs wrote into it; `open_run_folder` opens one.

    `inputs` are files that the run reads: they stay, even if an earlier run wrote them.
    """

    def __init__(self, path: Path, inputs: Iterable[Path] = ()) -> None:
        self.path = path
        self._inputs = inputs
        self._record = path / RECORD

    def clear(self, keep: Iterable[Path] = ()) -> None:
        """Remove what earlier runs wrote and nobody has changed since, except inputs and the files to `keep`."""
        if not self._record.exists():
            return
        kept = {Path(realpath(path)) for path in (*self._inputs, *keep)}
        left = {}
        for path, state in self._recorded().items():
            if Path(realpath(path)) in kept:
                left[path] = state
            elif state is None or state == stamp_of(path):
                with writing(path):
                    path.unlink(missing_ok=True)
                self._remove_empty(path.parent)
        if left:
            write_atomically(self._record, "".join(self._line(*item) for item in left.items()).encode())
        else:
            with writing(self._record):
                self._record.unlink()

    @contextmanager
    def atomic_file(self, path: Path) -> Iterator[IO[bytes]]:
        """Yield an open file in the folder, as `files.atomic_file` does, and record it when it is complete."""
        with atomic_file(path) as file:
            yield file
        self.record(path)

    def record(self, path: Path, *, grows: bool = False) -> None:
        """Record a file that this run wrote, or will write if it `grows` until the end."""
        state = None if grows else stamp_of(path)
        with writing(self._record), self._record.open("a", encoding="utf-8") as file:
            file.write(self._line(path, state))

    def _line(self, path: Path, state: State) -> str:
        return json.dumps([path.relative_to(self.path).as_posix(), state]) + "\n"

    def written(self) -> set[Path]:
        """Return the files that earlier runs wrote, changed since or not, with links resolved."""
        return {Path(realpath(path)) for path in self._recorded()} if self._record.exists() else set()

    def _recorded(self) -> dict[Path, State]:
        """Read the record, without invalid lines and those of paths that lead out of the folder."""
        found: dict[Path, State] = {}
        with writing(self._record):
            lines = self._record.read_text("utf-8", "replace").splitlines()
        for line in lines:
            with suppress(ValueError, TypeError):
                name, state = json.loads(line)
                path = self.path / name
                if path.parent.resolve().is_relative_to(self.path.resolve()):
                    found[path] = state
        return found

    def _remove_empty(self, folder: Path) -> None:
        with suppress(OSError):  # one is not empty
            while folder != self.path:
                folder.rmdir()
                folder = folder.parent


@contextmanager
def open_run_folder(path: Path, inputs: Iterable[Path] = ()) -> Iterator[RunFolder]:
    """Make the folder where it is missing, and hold it; one that is empty at the end is removed.

    `inputs` as in RunFolder. Raises ArgumentError while another run is writing there.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path / LOCK, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise ArgumentError(f"{path}: another run is writing there; wait for it, or give another folder") from None
    try:
        yield RunFolder(path, inputs)
    finally:
        lock.release()
        (path / LOCK).unlink(missing_ok=True)
        with suppress(OSError):
            path.rmdir()  # if nothing came of it
