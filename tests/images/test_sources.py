"""Where images come from."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from boxable.errors import ArgumentError, ImageError
from boxable.images.decode import Limits
from boxable.images.sources import Source, expand, id_of_name, is_image, source_of
from tests.file_server import Resource, serving

FILES = (
    "b.png", "a.JPG", "c.webp", "notes.txt", "archive.png.gz", ".hidden.png", "noext", "sub/z.jpeg", "sub/deep/y.tif",
    "sub/.git/x.png", "sub/._b.png", "another/w.bmp", "empty/readme.md", "odd [1]/v[x].gif",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `in` of files, empty but for their names; the current folder is the one around it."""
    for name in FILES:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return Path("in")


def names(*images: object) -> list[str]:
    return [source.name.replace(os.sep, "/") for source in expand(images)]


EVERY_IMAGE = [
    "in/a.JPG", "in/b.png", "in/c.webp", "in/another/w.bmp", "in/odd [1]/v[x].gif", "in/sub/z.jpeg",
    "in/sub/deep/y.tif",
]  # fmt: skip


def test_a_folder_gives_its_images_recursively_in_name_order_without_hidden_ones(folder: Path) -> None:
    assert names("in") == names(folder) == EVERY_IMAGE
    assert all(source.problem is None and source.path is not None for source in expand(["in"]))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.png", ["in/b.png"]),
        ("in/?.*", ["in/a.JPG", "in/b.png", "in/c.webp"]),
        ("in/[bc].*", ["in/b.png", "in/c.webp"]),
        ("in/**/*.jpeg", ["in/sub/z.jpeg"]),
        ("in/s*/*", ["in/sub/z.jpeg"]),  # no folders, no hidden files
        ("in/odd [1]/v[x].gif", ["in/odd [1]/v[x].gif"]),  # a file of that very name
        ("in/notes.*", ["in/notes.txt"]),  # who names it means it
    ],
)
def test_a_glob_gives_the_files_that_match(folder: Path, pattern: str, expected: list[str]) -> None:
    assert names(pattern) == expected


def test_sources_keep_their_order_and_may_repeat(folder: Path) -> None:
    assert names("in/sub", "in/b.png", "in/*.png", "-") == [
        "in/sub/z.jpeg", "in/sub/deep/y.tif", "in/b.png", "in/b.png", "-",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ("in/empty", "in/empty: no images in this folder; expected files that end in .jpg .jpeg"),
        ("in/*.xyz", "in/*.xyz: no file matches this pattern"),
        ("in/missing.png", "in/missing.png: no such file"),
    ],
)
def test_what_is_not_there_comes_as_a_problem_among_the_others(folder: Path, image: str, problem: str) -> None:
    found = list(expand(["in/b.png", image, "in/c.webp"]))
    assert len(found) == 3
    with pytest.raises(ImageError) as error:
        found[1].pixels()
    assert str(error.value).replace(os.sep, "/").startswith(problem)


def test_a_folder_that_is_a_link_is_not_walked_in_circles(folder: Path) -> None:
    try:
        (folder / "sub" / "loop").symlink_to(folder.absolute(), target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert names("in") == EVERY_IMAGE


def test_sources_are_found_one_after_the_other(folder: Path) -> None:
    asked = []

    def images() -> object:
        for name in ("in/b.png", "in/a.JPG"):
            asked.append(name)
            yield name

    found = expand(images())  # type: ignore[arg-type]
    next(found)
    assert asked == ["in/b.png"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("photo.jpg", "photo"),
        ("some/folder/photo.tar.gz", "photo.tar"),
        ("noext", "noext"),
        (".hidden", ".hidden"),
        ("-", "stdin"),
        ("https://example.com/a/b/photo.jpg", "photo"),
        ("https://example.com/photo.png?size=1/2.gif", "photo"),
        ("https://example.com/", "example"),
        ("", "image"),
    ],
)
def test_the_id_of_a_name_is_the_file_name_without_folder_and_suffix(name: str, expected: str) -> None:
    assert id_of_name(name) == expected


PIXELS = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)


def test_every_kind_of_image_gives_its_pixels(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    Image.fromarray(PIXELS).save(path)
    with Image.open(path) as opened:
        for image in (str(path), path, path.read_bytes(), bytearray(path.read_bytes()), opened, PIXELS):
            assert_array_equal(source_of(image).pixels(), PIXELS)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("a/b.png", "a/b.png"),
        (Path("a") / "b.png", str(Path("a") / "b.png")),
        ("-", "-"),
        ("https://example.com/x.jpg", "https://example.com/x.jpg"),
        (b"bytes", "bytes"),
        (Image.new("RGB", (1, 1)), "image"),
        (PIXELS, "array"),
    ],
    ids=["str", "path", "stdin", "url", "bytes", "pil", "array"],
)
def test_a_source_is_named_as_it_was_given(image: object, name: str) -> None:
    assert source_of(image).name == name


def test_a_source_stays_what_it_is() -> None:
    source = Source("mine", Path("mine"))
    assert source_of(source) is source


@pytest.mark.parametrize("image", [None, 1, ["a.png"], object()], ids=["None", "int", "list", "object"])
def test_what_is_no_image_is_an_error_that_names_its_type(image: object) -> None:
    with pytest.raises(ArgumentError, match=f"expected a path, .* as image, got {type(image).__name__}"):
        source_of(image)


class Foreign:
    """An array of another library that does not let itself be converted."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Can't call numpy() on Tensor that requires grad.\nUse tensor.detach().numpy() instead."),
        TypeError("can't convert cuda:0 device type tensor to numpy."),
        KeyError("missing"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_array_that_cannot_be_converted_is_one_line(error: Exception) -> None:
    reason = " ".join(str(error).split()) or "MemoryError"
    with pytest.raises(ArgumentError) as caught:
        source_of(Foreign(error))
    assert str(caught.value) == f"array: cannot convert Foreign to an array ({reason})"
    assert is_image(Foreign(error))
    (found,) = expand([Foreign(error)])
    assert reason in str(found.problem)


class Unaskable:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError("not now")


def test_an_object_that_raises_whatever_is_asked_is_no_image() -> None:
    with pytest.raises(ArgumentError, match="as image, got Unaskable"):
        source_of(Unaskable())  # type: ignore[arg-type]


def test_a_link_that_leads_nowhere_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    try:
        path.symlink_to("gone.jpg")
    except OSError:
        pytest.skip("this system makes no links")
    with pytest.raises(ImageError, match=r"a\.jpg: a broken link, to gone\.jpg$"):
        source_of(path).pixels()


def test_a_glob_that_follows_links_in_circles_gives_each_file_once(folder: Path) -> None:
    try:
        (folder / "sub" / "loop").symlink_to(folder.absolute(), target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert names("in/**/*.jpeg") == ["in/sub/z.jpeg"]


def test_a_url_without_a_network_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_OFFLINE", "1")
    with pytest.raises(ImageError, match=r"https://example\.com/x\.jpg needs the network, and BOXABLE_OFFLINE"):
        source_of("https://example.com/x.jpg").pixels()


def test_a_url_gives_what_the_server_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOXABLE_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    content = io.BytesIO()
    Image.fromarray(PIXELS).save(content, "PNG")
    with serving() as server:
        address = server.put("x.png", Resource(content.getvalue(), compressed=True))
        assert_array_equal(source_of(address).pixels(), PIXELS)
        missing = server.put("y.png", Resource(status=404))
        with pytest.raises(ImageError, match=f"{missing}: the server answered 404 Not Found"):
            source_of(missing).pixels()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a file that does not tell its size")
def test_a_file_that_is_longer_than_it_says_is_read_in_bounds() -> None:
    with pytest.raises(ImageError, match=r"^/proc/self/status: more than .* too large for an image$"):
        Source.from_path("/proc/self/status", Limits(max_bytes=100)).pixels()


def test_a_folder_in_the_place_of_an_image_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected one image, got a folder"):
        source_of(tmp_path).pixels()


def test_who_accepts_bytes_only_gets_no_path_and_no_address() -> None:
    for text in (b"/etc/hostname", b"http://127.0.0.1:1/image.png", b"-"):
        with pytest.raises(ImageError, match=r"^upload: expected an image"):
            Source.from_bytes(text, "upload").pixels()


def test_limits_are_those_of_the_source(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(PIXELS).save(path)
    pixels, size = PIXELS.shape[0] * PIXELS.shape[1], path.stat().st_size
    enough = Limits(max_bytes=size, max_pixels=pixels)
    for make in (Source.from_path, lambda path, limits: Source.from_bytes(path.read_bytes(), "upload", limits)):
        assert_array_equal(make(path, enough).pixels(), PIXELS)
        with pytest.raises(ImageError, match="too large for an image"):
            make(path, Limits(max_bytes=size - 1)).pixels()
        with pytest.raises(ImageError, match="million pixels"):
            make(path, Limits(max_pixels=pixels - 1)).pixels()


def test_the_id_of_an_image_is_its_path_below_the_folder_or_the_fixed_part_of_a_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("photos/a.jpg", "photos/cam1/b.c.jpg", "photos/images/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)

    def ids(source: str) -> list[str]:
        return sorted(found.image_id for found in expand([source]))

    assert ids("photos") == ids(str(tmp_path / "photos")) == ["a", "cam1__b.c", "d"]
    assert ids("photos/**/*.jpg") == ["a", "cam1__b.c", "d"]
    assert ids("photos/*/*.jpg") == ["cam1__b.c", "d"]
    assert ids("*/*/*.jpg") == ["photos__cam1__b.c", "photos__d"]
    assert ids("photos/cam1/b.c.jpg") == ids("photos/cam1") == ids("photos/cam1/*") == ["b.c"]
