"""Contact sheets."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from boxable.errors import ArgumentError, UnknownClassError
from boxable.openimages import Dataset, contact_sheet
from boxable.openimages.contact_sheet import show
from tests.openimages.folders import CAT, DOG, box_row, copy_image_file, photo, write_folder


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    boxes = [box_row("a", CAT, (0.25, 0.25, 0.75, 0.75)), box_row("a", DOG), box_row("b", DOG, flags="0,0,1,0,0")]
    folder = write_folder(tmp_path / "set", boxes, images=["a,360,240,0", "b,240,360,90", "c,1,1,0"])
    copy_image_file(folder, "a", photo(240, 360))
    copy_image_file(folder, "b", photo(360, 240))
    return Dataset(folder)


def test_a_sheet_is_a_picture_with_the_boxes_drawn(dataset: Dataset, tmp_path: Path) -> None:
    assert show(dataset, [tmp_path / "s.png"], classes="Cat", count=9, seed=0) == 1
    with Image.open(tmp_path / "s.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    drawn = pixels[44:284, 34:394]  # 360 x 240, in the middle of the first tile
    is_red = (drawn == (254, 0, 0)).all(axis=2)
    assert is_red[30, 100]  # outside of the box
    assert is_red[100, 130]  # inside
    assert not is_red[56:64, 160].all()  # its upper side
    assert (pixels[20, :] == 255).all()


@pytest.mark.parametrize("name", ["s.jpg", "s.jpeg", "S.PNG", "s.html"])
def test_the_name_says_what_it_is(dataset: Dataset, tmp_path: Path, name: str) -> None:
    assert show(dataset, [tmp_path / name], classes=None, count=9, seed=0) == 2
    start = (tmp_path / name).read_bytes()[:15]
    assert start.startswith({"s.html": b"<!doctype html>", "S.PNG": b"\x89PNG"}.get(name, b"\xff\xd8"))


def test_a_page_holds_photos_and_boxes_and_nothing_from_elsewhere(dataset: Dataset, tmp_path: Path) -> None:
    show(dataset, [tmp_path / "s.html"], classes=None, count=9, seed=0)
    page = (tmp_path / "s.html").read_text("utf-8")
    images = re.findall(r'href="data:image/jpeg;base64,([^"]+)" width="(\d+)" height="(\d+)"', page)
    sizes = [Image.open(io.BytesIO(base64.b64decode(data))).size for data, _, _ in images]
    assert sizes == [(360, 240)] * 2  # the second one was turned
    assert [(int(width), int(height)) for _, width, height in images] == sizes
    assert len(re.findall(r"<title>(?:Cat|Dog)</title>", page)) == 3
    assert page.count("stroke-dasharray") == 1  # the group
    assert not re.search(r'(?:src|href)="(?!data:)', page)


def test_with_classes_only_their_images_and_boxes_are_shown(dataset: Dataset, tmp_path: Path) -> None:
    assert show(dataset, [tmp_path / "s.html"], classes="Cat", count=9, seed=0) == 1
    page = (tmp_path / "s.html").read_text("utf-8")
    assert "<title>Cat</title>" in page
    assert "<title>Dog</title>" not in page


def test_the_seed_chooses(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", [box_row(f"i{number:02}") for number in range(30)])
    for number in range(30):
        copy_image_file(folder, f"i{number:02}")
    pages = []
    for seed in (0, 0, 1):
        show(Dataset(folder), [tmp_path / "s.html"], classes=None, count=4, seed=seed)
        pages.append(tuple(re.findall(r'aria-label="(i\d\d)"', (tmp_path / "s.html").read_text("utf-8"))))
    assert pages[0] == pages[1] != pages[2]
    assert all(len(set(page)) == 4 for page in pages)


def test_boxes_that_are_no_numbers_or_far_outside_are_drawn_inside(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "set", [box_row("a", CAT, (float("nan"), -3, 9, 0.5)), box_row("a", CAT, (0.9, 0.9, 0.1, 0.1))]
    )
    copy_image_file(folder, "a")
    show(Dataset(folder), [tmp_path / "s.html", tmp_path / "s.png"], classes=None, count=1, seed=0)
    assert "nan" not in (tmp_path / "s.html").read_text("utf-8")


def test_ids_and_names_cannot_write_html(tmp_path: Path) -> None:
    classes = 'LabelName,DisplayName\nuser/x,"</title><script>"\n'
    folder = write_folder(tmp_path / "set", [box_row("<b>", "user/x")], classes=classes)
    copy_image_file(folder, "<b>")
    show(Dataset(folder), [tmp_path / "s.html"], classes=None, count=1, seed=0)
    page = (tmp_path / "s.html").read_text("utf-8")
    assert "<script" not in page
    assert "<b>" not in page


def test_what_cannot_be_shown_is_told(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"s\.txt: expected a name that ends in"):
        show(dataset, [tmp_path / "s.txt"], classes=None, count=1, seed=0)
    with pytest.raises(UnknownClassError, match="this data set has no class 'Violin'"):
        show(dataset, [tmp_path / "s.png"], classes="Violin", count=1, seed=0)
    bare = Dataset(write_folder(tmp_path / "bare", [box_row("a")]))
    with pytest.raises(ArgumentError, match=r"bare: expected image files in .*bare, got none"):
        show(bare, [tmp_path / "s.png"], classes=None, count=1, seed=0)
    copy_image_file(bare.path, "stranger")
    with pytest.raises(ArgumentError, match="none of 1 image can be read"):
        show(bare, [tmp_path / "s.png"], classes=None, count=1, seed=0)
    assert not list(tmp_path.glob("s.*"))


def test_without_photos_no_image_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = Dataset(write_folder(tmp_path / "bare", [box_row("a")]))
    (bare.path / "images").mkdir()
    (bare.path / "images" / "a.txt").write_text("")
    monkeypatch.setattr(Dataset, "__getitem__", lambda *_: pytest.fail("loaded an image"))
    with pytest.raises(ArgumentError, match="expected image files"):
        show(bare, [tmp_path / "s.png"], classes=None, count=1, seed=0)


def test_a_page_names_authors_and_licences(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", [box_row("a"), box_row("b")])
    (folder / "images.csv").write_text(
        "ImageID,Author,License,OriginalLandingURL\n"
        "a,Ann <b>,https://creativecommons.org/licenses/by/2.0/,https://photos/1\n"
        "b,Bob,javascript:alert(1),javascript:alert(2)\n"
    )
    for name in "ab":
        copy_image_file(folder, name)
    show(Dataset(folder), [tmp_path / "s.html"], classes=None, count=9, seed=0)
    page = (tmp_path / "s.html").read_text("utf-8")
    assert '<a href="https://photos/1">Ann &lt;b&gt;</a>' in page
    assert '<a href="https://creativecommons.org/licenses/by/2.0/">CC BY 2.0</a>' in page
    assert "Bob, javascript:alert(1)" in page
    assert 'href="javascript' not in page


def test_large_photos_are_not_held_as_they_are(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", [box_row("a")])
    copy_image_file(folder, "a", photo(2000, 3000))
    (shown,) = contact_sheet._sample(Dataset(folder), np.zeros(1, np.int32), None, 1, 0)
    assert shown.pixels.shape == (427, 640, 3)


def test_of_many_boxes_a_class_is_named_once(tmp_path: Path) -> None:
    labelled = []
    for count in (6, 7):
        folder = write_folder(tmp_path / str(count), [box_row("a", DOG), *[box_row("a", CAT)] * (count - 1)])
        copy_image_file(folder, "a")
        (shown,) = contact_sheet._sample(Dataset(folder), np.zeros(1, np.int32), None, 1, 0)
        labelled.append(sorted(filter(None, contact_sheet._labels(shown))))
    assert labelled == [["Cat"] * 5 + ["Dog"], ["Cat", "Dog"]]
