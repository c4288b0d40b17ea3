"""Every image file of a folder is found once, or named."""

import logging
import sys
from pathlib import Path

import pytest

from boxable.images.folders import find_images


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path, problem in find_images(folder) if problem is None]


def problems(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): problem for path, problem in find_images(folder) if problem}


def fill(folder: Path, *files: str) -> Path:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def link(path: Path, target: Path | str) -> None:
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("this system makes no links")


@pytest.mark.parametrize(
    "name",
    ["a.avif", "a.jp2", "a.j2k", "a.ppm", "a.PGM", "a.pbm", "a.jfif", "a.JPE", "a.mpo", "a.dib", "a.heic", "a.HIF"],
)
def test_what_pillow_or_an_extra_reads_is_an_image(name: str, tmp_path: Path) -> None:
    assert names(fill(tmp_path, name, "a.txt", "a.xml", "._a.jpg")) == [name]


def test_what_is_never_read_is_named_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    raw = [f"raw/{number:02}.CR2" for number in range(12)]
    assert names(fill(tmp_path, "a.jpg", "logo.svg", "poster.psd", "x.jxl", "notes.txt", *raw)) == ["a.jpg"]
    found = dict(line.removeprefix(f"{tmp_path}: ").split(": ", 1) for line in caplog.messages)
    assert found == {
        "1 file is JPEG XL, which is not read; convert to JPEG or PNG": "x.jxl",
        "1 file is Photoshop, which is not read; convert to JPEG or PNG": "poster.psd",
        "1 file is SVG, which is not read; convert to JPEG or PNG": "logo.svg",
        "12 files are camera raw, which is not read; convert to JPEG or PNG": f"{', '.join(raw[:10])} and 2 more",
    }
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_heic_without_its_extra_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fill(tmp_path, "a.heic", "b.HEIC", "c.heif", "d.jpg")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert names(folder) == ["a.heic", "b.HEIC", "c.heif", "d.jpg"]
    assert caplog.messages == [f"{tmp_path}: 3 files are HEIC; to read HEIC, run: pip install 'boxable[heif]'"]


def test_a_link_to_a_folder_elsewhere_is_followed_once(tmp_path: Path) -> None:
    folder, other = fill(tmp_path / "in", "m.jpg"), fill(tmp_path / "other", "x.jpg", "deep/y.jpg")
    link(folder / "a", other)
    link(folder / "z", other)
    link(folder / "deep", other / "deep")
    link(other / "back", folder)
    link(other / "deep" / "up", other)
    assert sorted(names(folder)) == ["a/x.jpg", "deep/y.jpg", "m.jpg"]


def test_a_link_to_a_folder_that_is_searched_adds_nothing(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", "z/x.jpg", "y.jpg", ".store/h.jpg")
    for name, target in {"a": folder / "z", "loop": folder, "hidden": folder / ".store"}.items():
        link(folder / name, target)
    link(folder / "z" / "up", "..")
    assert names(folder) == ["y.jpg", "hidden/h.jpg", "z/x.jpg"]


def test_a_folder_that_is_itself_a_link_is_searched(tmp_path: Path) -> None:
    fill(tmp_path / "real", "a.jpg", "sub/b.jpg")
    link(tmp_path / "link", tmp_path / "real")
    link(tmp_path / "real" / "again", tmp_path / "link")
    assert names(tmp_path / "link") == ["a.jpg", "sub/b.jpg"]


def test_a_broken_link_that_may_be_a_folder_is_named(tmp_path: Path) -> None:
    folder = fill(tmp_path, "a.jpg")
    link(folder / "album", "gone")
    link(folder / "ring", "ring")
    link(folder / "notes.txt", "gone.txt")
    assert names(folder) == ["a.jpg"]
    assert problems(folder) == {"album": "a broken link, to gone", "ring": "a broken link, to ring"}
