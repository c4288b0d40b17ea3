"""Extract .tar.gz archives safely: plain files only, no path traversal, bounded size."""

import gzip
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from boxable.errors import WeightsError
from boxable.files import is_abandoned, writing
from boxable.settings import home

SUFFIXES = (".tar.gz", ".tgz", ".tar")
MAX_FILE_BYTES = 2 * 2**30
MAX_MEMBERS = 10_000
_MAX_HEADER_BYTES = 32 * 2**20  # of all members together; tarfile keeps them in memory
_GZIP = b"\x1f\x8b"


class _Bounded:
    """A file for tarfile that raises ReadError after `left` bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.left = _MAX_HEADER_BYTES

    def read(self, size: int) -> bytes:
        self.left -= size
        if self.left < 0:
            raise tarfile.ReadError(f"expected at most {_MAX_HEADER_BYTES} bytes of headers")
        return self._file.read(size)

    def seek(self, position: int) -> int:
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Extract an archive into a temporary folder that is removed when the block ends.

    Raises WeightsError for a damaged archive, names outside the folder, links, devices, sparse files, and more
    than MAX_FILE_BYTES or MAX_MEMBERS.
    """
    place = home() / "unpacked"
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        for left in place.glob("boxable-*"):
            if is_abandoned(left):  # by a killed process
                shutil.rmtree(left, ignore_errors=True)
        folder = tempfile.TemporaryDirectory(prefix="boxable-", dir=place)
    with folder as name:
        try:
            with archive.open("rb") as packed:
                is_gzip = packed.read(2) == _GZIP
                packed.seek(0)
                content = _Bounded(cast(IO[bytes], gzip.GzipFile(fileobj=packed)) if is_gzip else packed)
                with tarfile.open(fileobj=cast(IO[bytes], content), mode="r:") as members:
                    _extract(members, Path(name), archive, content)
        # ValueError: invalid file names, and header fields that are not numbers.
        except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError) as error:
            raise WeightsError(f"{archive}: cannot unpack it ({error})") from None
        yield Path(name)


def _extract(members: tarfile.TarFile, folder: Path, archive: Path, content: _Bounded) -> None:
    left = MAX_FILE_BYTES
    for number, member in enumerate(members):
        name = PurePosixPath(member.name.replace("\\", "/"))
        if number >= MAX_MEMBERS:
            raise WeightsError(f"{archive}: more than {MAX_MEMBERS} files; expected the archive of a detector")
        if name.is_absolute() or ".." in name.parts or ":" in member.name:
            raise WeightsError(f"{archive}: {member.name!r} leads outside the archive; nothing was imported")
        if member.isdir():
            continue
        if not member.isfile() or member.issparse():
            raise WeightsError(f"{archive}: {member.name!r} is a link, device or sparse file; expected a plain file")
        left -= member.size
        if left < 0 or member.size < 0:
            raise WeightsError(f"{archive}: more than {MAX_FILE_BYTES // 2**30} GiB unpacked; not that of a detector")
        content.left += member.size
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            shutil.copyfileobj(cast(IO[bytes], members.extractfile(member)), file)
