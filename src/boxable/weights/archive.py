"""Unpack what is needed of a .tar.gz, safely: only plain files, only inside, never more than a bound."""

import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from boxable.errors import WeightsError
from boxable.files import writing

SUFFIXES = (".tar.gz", ".tgz", ".tar")
MAX_FILE_BYTES = 2 * 2**30
MAX_MEMBERS = 10_000
_BLOCK = 2**20


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """A temporary folder with the files of the archive, gone when the block ends.

    Raises WeightsError for a damaged archive, for names that lead outside, for links and devices, and for
    more bytes than a detector can have.
    """
    with writing(Path(tempfile.gettempdir())):
        folder = tempfile.TemporaryDirectory(prefix="boxable-")
    with folder as place:
        try:
            with tarfile.open(archive) as members:
                _extract(members, Path(place), archive)
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise WeightsError(f"{archive}: cannot unpack it ({error})") from None
        yield Path(place)


def _extract(members: tarfile.TarFile, folder: Path, archive: Path) -> None:
    left = MAX_FILE_BYTES
    for number, member in enumerate(members):
        name = PurePosixPath(member.name.replace("\\", "/"))
        if number >= MAX_MEMBERS:
            raise WeightsError(f"{archive}: more than {MAX_MEMBERS} files; not the archive of a detector")
        if name.is_absolute() or ".." in name.parts or ":" in member.name:
            raise WeightsError(f"{archive}: {member.name!r} leads outside the archive; nothing was imported")
        if member.isdir():
            continue
        if not member.isfile():
            raise WeightsError(f"{archive}: {member.name!r} is a link or device; expected plain files only")
        left -= member.size
        if left < 0:
            raise WeightsError(f"{archive}: more than {MAX_FILE_BYTES // 2**30} GiB unpacked; not that of a detector")
        _write(members, member, folder / name)


def _write(members: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    content = members.extractfile(member)
    if content is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        while block := content.read(_BLOCK):
            file.write(block)
