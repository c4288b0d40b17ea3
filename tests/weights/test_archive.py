"""Archives: only plain files, only inside, never more than a bound, and nothing left behind."""

import gzip
import io
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from boxable.errors import WeightsError
from boxable.weights.archive import MAX_FILE_BYTES, MAX_MEMBERS, unpacked
from boxable.weights.foreign import read_foreign
from tests.weights.tensorflow_writer import tarball
from tests.weights.test_tensor_bundle import peak

FILES = {"folder/model.ckpt.index": b"index", "folder/deep/er/a.txt": b"a" * 3000, "b": b""}


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder into which archives are unpacked."""
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "unpacked"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def refused(scratch: Path) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        outside = sorted(scratch.parent.parent.rglob("*"))
        with pytest.raises(WeightsError) as error, unpacked(path):
            pass
        assert list(scratch.iterdir()) == []
        assert sorted(scratch.parent.parent.rglob("*")) == outside
        assert str(error.value).startswith(f"{path}: ")
        return str(error.value)

    return check


Refused = Callable[[Path], str]


def archive_of(path: Path, *members: tarfile.TarInfo, mode: str = "w:gz", format: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, mode, format=format) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)) if member.isreg() else None)
    return path


def member(name: str, size: int = 3, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    result = tarfile.TarInfo(name)
    result.size, result.type, result.linkname = size, kind, link
    return result


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path, scratch: Path) -> None:
    for name, age in (("boxable-old", 2 * 24 * 3600), ("boxable-new", 60)):
        (scratch / name).mkdir()
        (scratch / name / "file").write_bytes(b"x")
        then = time.time() - age
        os.utime(scratch / name, (then, then))
    with unpacked(tarball(tmp_path / "a.tar.gz", FILES)):
        pass
    assert [path.name for path in scratch.iterdir()] == ["boxable-new"]


@pytest.mark.parametrize(("name", "mode"), [("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("a.tar", "w"), ("a.tgz", "w")])
def test_files_are_there_and_gone_after(tmp_path: Path, scratch: Path, name: str, mode: str) -> None:
    path = tarball(tmp_path / name, FILES, mode)
    with unpacked(path) as folder:
        assert {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()} == {
            name.replace("/", str(Path("/"))): content for name, content in FILES.items()
        }
    assert list(scratch.iterdir()) == []


def test_they_are_gone_after_an_error_too(tmp_path: Path, scratch: Path) -> None:
    path = tarball(tmp_path / "a.tar.gz", FILES)
    with pytest.raises(KeyError), unpacked(path):
        raise KeyError
    with pytest.raises(WeightsError):
        read_foreign(path)
    assert list(scratch.iterdir()) == []


def test_folders_and_long_names_are_fine(tmp_path: Path) -> None:
    long = "a" * 90 + "/" + "b" * 90 + "/" + "c" * 90
    for number, format in enumerate((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)):
        path = tmp_path / f"{number}.tar.gz"
        archive_of(path, member("./", 0, tarfile.DIRTYPE), member("./x"), member(long), format=format)
        with unpacked(path) as folder:
            assert (folder / "x").read_bytes() == (folder / long).read_bytes() == bytes(3)


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/evil", "..", "a/..", "..\\evil", "C:evil", "C:\\evil", "\\evil", "//evil"]
)
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, refused: Refused, name: str) -> None:
    text = refused(archive_of(tmp_path / "a.tar.gz", member("good"), member(name)))
    assert "leads outside the archive; nothing was imported" in text
    assert repr(name) in text


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_link_or_device_is_refused(tmp_path: Path, refused: Refused, kind: bytes) -> None:
    bad = member("model.ckpt.index", 0, kind, link="/etc/passwd")
    assert "'model.ckpt.index' is a link, device or sparse file" in refused(
        archive_of(tmp_path / "a.tar.gz", member("good"), bad)
    )


def test_a_file_through_a_link_is_refused(tmp_path: Path, refused: Refused) -> None:
    refused(archive_of(tmp_path / "a.tgz", member("a", 0, tarfile.SYMTYPE, str(tmp_path)), member("a/evil")))


def test_more_than_the_bound_is_refused_by_what_the_header_says(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "a.tar.gz"
    for size in (MAX_FILE_BYTES + 1, 10 * 2**30, 2**62, 2**80):
        header = member("big", size).tobuf(tarfile.GNU_FORMAT)
        path.write_bytes(gzip.compress(header + bytes(10_240)))
        assert "more than 2 GiB unpacked" in refused(path)


def test_a_negative_size_is_refused(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "a.tar.gz"
    for size in (-1, -512, -(2**40)):
        header = member("small", size).tobuf(tarfile.GNU_FORMAT)
        path.write_bytes(gzip.compress(header + bytes(10_240)))
        refused(path)


def test_too_many_members_are_refused(tmp_path: Path, refused: Refused) -> None:
    header = member("a", 0, tarfile.DIRTYPE).tobuf()
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(header * (MAX_MEMBERS + 1) + bytes(1024), 1))
    assert f"more than {MAX_MEMBERS} files" in refused(path)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_a_huge_header_does_not_fill_the_memory(tmp_path: Path, refused: Refused, kind: bytes) -> None:
    """tarfile reads extended headers whole: 200 MB of zeros are 200 KB of gzip, 10 GB are 10 MB."""
    path = tmp_path / "a.tar.gz"
    header = member("long", 200 * 2**20, kind).tobuf(tarfile.GNU_FORMAT)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header)
        for _ in range(200):
            file.write(bytes(2**20))
    assert peak(lambda: refused(path)) < 2**23


@pytest.mark.parametrize("real_size", [b"00000001000", b"77777777777"], ids=["small", "huge"])
def test_a_sparse_file_is_refused(tmp_path: Path, refused: Refused, real_size: bytes) -> None:
    header = bytearray(member("sparse", 512, tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\x0000000001000\x00"
    header[483:495] = real_size + b"\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(header) + bytes(2048)))
    assert "'sparse' is a link, device or sparse file" in refused(path)


def test_numbers_in_headers_that_are_none_are_refused(tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "a.tar.gz"
    for headers in (
        {"GNU.sparse.map": "x,y", "GNU.sparse.size": "1", "GNU.sparse.major": "0", "GNU.sparse.minor": "1"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1"},
        {"size": "-1"},
        {"path": "../evil"},
        {"path": "a\0b"},
    ):
        bad = member("a", 512)
        bad.pax_headers = headers
        refused(archive_of(path, bad))


@pytest.mark.parametrize("keep", [0, 1, 5, 12, 40, 200])
def test_a_cut_archive_is_refused(tmp_path: Path, refused: Refused, keep: int) -> None:
    whole = tarball(tmp_path / "whole.tar.gz", {"a": bytes(range(256)) * 30, "b": bytes(range(255, 0, -1)) * 40})
    path = tmp_path / "a.tar.gz"
    path.write_bytes(whole.read_bytes()[:keep])
    assert "cannot unpack it" in refused(path)


@pytest.mark.parametrize("content", [b"", b"junk" * 1000, gzip.compress(b"junk" * 900, mtime=0), b"\x1f\x8bjunk" * 100])
@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.tar"])
def test_what_is_no_archive_is_refused(tmp_path: Path, refused: Refused, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "cannot unpack it" in refused(tmp_path / name)


def test_what_is_not_there_or_a_folder_is_refused(tmp_path: Path, refused: Refused) -> None:
    refused(tmp_path / "a.tar.gz")
    (tmp_path / "b.tar.gz").mkdir()
    refused(tmp_path / "b.tar.gz")


def test_the_same_name_twice_or_a_file_as_folder_is_refused(tmp_path: Path, refused: Refused) -> None:
    refused(archive_of(tmp_path / "a.tar.gz", member("a"), member("a")))
    refused(archive_of(tmp_path / "b.tar.gz", member("a"), member("a/b")))
    refused(archive_of(tmp_path / "c.tar.gz", member("a" * 300)))
    refused(archive_of(tmp_path / "d.tar.gz", member(".")))
