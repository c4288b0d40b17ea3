"""Where the published file of a network comes from."""

import dataclasses
import io
import os
import sys
import tarfile
from pathlib import Path

import pytest

from boxable.errors import WeightsError
from boxable.weights.cards import Card
from boxable.weights.published_tflite import fetch_tflite
from tests.file_server import FileServer, Resource
from tests.weights.conftest import HEAD, TAIL, card_for

NETWORK_FILE = bytes(range(256)) * 40
PUBLISHED = HEAD + NETWORK_FILE + TAIL
CARD = card_for(NETWORK_FILE)


def archive(member: str = "package/packed.data", data: bytes = PUBLISHED, mode: str = "w:gz") -> bytes:
    """An npm package: a tar archive with a few files in it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode) as members:  # type: ignore[call-overload]
        for name, body in (("package/package.json", b"{}"), ("package/packed.data.map", data), (member, data)):
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            members.addfile(entry, io.BytesIO(body))
    return content.getvalue()


def garbled(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(byte ^ 0x55 for byte in data[len(data) // 2 :])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("packed.data", PUBLISHED),
        ("renamed", PUBLISHED),
        ("network.tflite", NETWORK_FILE),
        ("two-1.0.tgz", archive()),
        ("two.tar.gz", archive("elsewhere/deep/packed.data")),
        ("plain.tgz", archive(mode="w:")),
    ],
)
@pytest.mark.parametrize("in_folder", [False, True], ids=["file", "folder"])
def test_the_network_is_taken_from_a_file_or_folder_without_a_network(
    empty_home: Path, tmp_path: Path, name: str, content: bytes, in_folder: bool
) -> None:
    folder = tmp_path / "given"
    (folder / "a folder").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"not it")
    (folder / "a.tgz").write_bytes(b"not even an archive")
    (folder / name).write_bytes(content)
    assert fetch_tflite(CARD, folder if in_folder else folder / name) == NETWORK_FILE


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("packed.data", b""),
        ("packed.data", PUBLISHED[:-1]),
        ("packed.data", garbled(PUBLISHED)),
        ("network.tflite", garbled(NETWORK_FILE)),
        ("other.tgz", archive("package/other.data")),
        ("garbled.tgz", archive(data=garbled(PUBLISHED))),
        ("short.tgz", archive()[:-100]),
        ("damaged.tgz", garbled(archive())),
        ("junk.tgz", b"\x1f\x8bjunk" * 20),
        ("empty.gz", b""),
    ],
)
def test_a_wrong_file_is_refused_and_the_error_says_which_is_expected(
    empty_home: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(WeightsError) as error:
        fetch_tflite(CARD, path)
    assert str(path) in str(error.value)
    with pytest.raises(WeightsError) as error:
        fetch_tflite(CARD, tmp_path)
    assert str(tmp_path) in str(error.value)


def test_the_error_for_a_wrong_file_names_both_hashes(empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / "packed.data").write_bytes(b"something else")
    for path, what in ((tmp_path / "packed.data", "this file is not"), (tmp_path, "none of the files in this folder")):
        with pytest.raises(WeightsError, match=what) as error:
            fetch_tflite(CARD, path)
        assert CARD.source.sha256 in str(error.value)
        assert CARD.source.part_sha256 in str(error.value)


def test_a_path_that_is_not_there_is_an_error(empty_home: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="missing: no such file or folder"):
        fetch_tflite(CARD, tmp_path / "missing")


def test_without_a_network_the_error_says_how_to_do_it_by_hand(empty_home: Path) -> None:
    with pytest.raises(WeightsError) as error:
        fetch_tflite(CARD)
    message = str(error.value)
    assert message.startswith("two is not installed and BOXABLE_OFFLINE forbids downloading it; ")
    assert CARD.source.addresses[0] in message
    assert message.endswith("boxable models pull two --from FILE")


def test_the_network_is_cut_out_of_the_downloaded_file(home: Path, server: FileServer) -> None:
    card = card_for(NETWORK_FILE, server.put("packed.data", Resource(PUBLISHED)))
    assert fetch_tflite(card) == NETWORK_FILE
    assert list((home / "downloads").iterdir()) == []


def test_a_download_is_continued_by_the_next_call(home: Path, server: FileServer) -> None:
    card = card_for(NETWORK_FILE, server.put("packed.data", Resource(PUBLISHED, cut_after=5000)))
    with pytest.raises(WeightsError, match="cannot fetch the weights of two"):
        fetch_tflite(card)
    assert fetch_tflite(card) == NETWORK_FILE
    assert server.requests == [("packed.data", None), ("packed.data", "bytes=5000-")]


def test_the_error_lists_what_went_wrong_at_each_place_and_how_to_do_it_by_hand(home: Path, server: FileServer) -> None:
    gone, wrong = server.put("gone", Resource(status=404)), server.put("wrong", Resource(garbled(PUBLISHED)))
    with pytest.raises(WeightsError) as error:
        fetch_tflite(card_for(NETWORK_FILE, gone, wrong, npm="two@1.0"))
    message = str(error.value)
    first, *tried, advice = message.split("\n")
    host = gone.split("/")[2]
    assert first == "cannot fetch the weights of two; tried:"
    assert tried[0].startswith(f"  {host}: the server answered 404 Not Found")
    assert tried[1].startswith(f"  {host}: expected sha256 ")
    assert tried[2:] == ["  npm: not installed"]
    assert advice.startswith(f"By hand: download {gone} ")
    assert advice.endswith("boxable models pull two --from FILE")


def npm_card(server: FileServer) -> Card:
    return card_for(NETWORK_FILE, server.put("gone", Resource(status=404)), npm="two@1.0")


@pytest.fixture
def npm(home: Path, tmp_path: Path) -> Path:
    """An `npm` that packs `package.tgz` beside it, and leaves its arguments in `arguments`."""
    if os.name == "nt":
        pytest.skip("the stand-in for npm is a script with a #! line")
    folder = tmp_path / "bin"
    folder.mkdir()
    script = (
        f"#!{sys.executable}\n"
        "import pathlib, shutil, sys\n"
        "here = pathlib.Path(__file__).parent\n"
        "(here / 'arguments').write_text(' '.join(sys.argv[1:]))\n"
        "shutil.copy(here / 'package.tgz', sys.argv[sys.argv.index('--pack-destination') + 1])\n"
    )
    (folder / "npm").write_text(script)
    (folder / "npm").chmod(0o755)
    return folder


def test_npm_is_asked_when_no_address_answers_and_the_log_says_so(
    npm: Path, server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    (npm / "package.tgz").write_bytes(archive())
    assert fetch_tflite(npm_card(server)) == NETWORK_FILE
    assert "running `npm pack two@1.0` to fetch the weights" in caplog.text
    arguments = (npm / "arguments").read_text()
    assert arguments.startswith("pack two@1.0 ")
    assert "--ignore-scripts" in arguments
    assert "--no-update-notifier" in arguments


def test_npm_is_not_asked_when_an_address_answers(npm: Path, server: FileServer) -> None:
    assert fetch_tflite(card_for(NETWORK_FILE, server.put("packed.data", Resource(PUBLISHED)), npm="two@1.0"))
    assert not (npm / "arguments").exists()


@pytest.mark.parametrize(
    ("package", "problem"),
    [
        (None, "npm pack two@1.0 failed"),
        (archive("package/other.data"), "npm: two@1.0 does not contain packed.data"),
        (b"junk", "npm: two@1.0 does not contain packed.data"),
    ],
    ids=["fails", "another package", "no archive"],
)
def test_npm_without_the_file_is_one_more_problem(
    npm: Path, server: FileServer, package: bytes | None, problem: str
) -> None:
    if package is not None:
        (npm / "package.tgz").write_bytes(package)
    with pytest.raises(WeightsError) as error:
        fetch_tflite(npm_card(server))
    assert problem in str(error.value)
    assert "--from FILE" in str(error.value)


def test_a_package_with_a_wrong_file_is_refused(npm: Path, server: FileServer) -> None:
    (npm / "package.tgz").write_bytes(archive(data=garbled(PUBLISHED)))
    with pytest.raises(WeightsError, match=r"^two@1\.0: expected sha256 .*it is damaged or another file"):
        fetch_tflite(npm_card(server))


def test_a_file_whose_part_has_another_hash_is_refused(empty_home: Path, tmp_path: Path) -> None:
    source = dataclasses.replace(CARD.source, part_sha256="0" * 64)
    (tmp_path / "packed.data").write_bytes(PUBLISHED)
    with pytest.raises(WeightsError, match=f"expected sha256 0000.*, got {CARD.source.part_sha256}"):
        fetch_tflite(dataclasses.replace(CARD, source=source), tmp_path / "packed.data")
