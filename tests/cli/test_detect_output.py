"""`boxable detect --out`: what it writes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from boxable.run_folder import RECORD
from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES, Command

CHELSEA, COFFEE = EXAMPLES / "chelsea.png", EXAMPLES / "coffee.png"

pytestmark = pytest.mark.usefixtures("ssd23_weights")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


Detect = Callable[..., str]


@pytest.fixture
def detect(invoke: Invoke) -> Detect:
    """stdout of a run that must succeed."""

    def run(*arguments: object) -> str:
        result = invoke("detect", *arguments, "--model", "ssd23")
        assert (result.stderr, result.code) == ("", 0)
        return result.stdout

    return run


def files(folder: Path) -> list[str]:
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [name for name in found if name != RECORD]


def copies(folder: Path, *names: str) -> Path:
    """A folder with the cat under these names, in the format of each suffix."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            shutil.copy(CHELSEA, path)
        else:
            with Image.open(CHELSEA) as image:
                image.save(path)
    return folder


@pytest.mark.parametrize(
    ("format_", "name"),
    [
        ("jsonl", "detections.jsonl"),
        ("json", "detections.json"),
        ("csv", "detections.csv"),
        ("openimages", "detections.openimages.csv"),
        ("coco", "detections.coco.json"),
        ("table", "detections.txt"),
    ],
)
def test_the_file_holds_what_is_printed(detect: Detect, out: Path, format_: str, name: str) -> None:
    printed = detect(CHELSEA, "--out", out, "--format", format_, "--no-save-images")
    assert files(out) == [name]
    assert (out / name).read_text("utf-8") == printed


def test_results_and_annotated_images_are_written_and_a_line_says_where(command: Command, out: Path) -> None:
    result = command("detect", EXAMPLES, "--out", out, "--model", "ssd23")
    assert (result.stderr.decode(), result.returncode) == (
        f"boxable: wrote {out}: 3 images, 5 objects, 0 failed\n",
        0,
    )
    assert files(out) == ["astronaut.png", "chelsea.png", "coffee.png", "detections.jsonl"]
    assert (out / "detections.jsonl").read_bytes() == result.stdout
    with Image.open(out / "chelsea.png") as drawn, Image.open(CHELSEA) as photo:
        assert drawn.size == photo.size
        assert drawn.format == "PNG"
        assert drawn.convert("RGB").tobytes() != photo.convert("RGB").tobytes()


def test_images_keep_their_format_where_it_can_be_written_else_they_become_jpeg(
    detect: Detect, tmp_path: Path, out: Path
) -> None:
    detect(copies(tmp_path / "in", "a.png", "b.jpg", "c.webp", "d.bmp", "e.JPEG"), "--out", out)
    found = [name for name in files(out) if not name.startswith("detections")]
    assert found == ["a.png", "b.jpg", "c.webp", "d.jpg", "e.jpeg"]
    formats = []
    for name in found:
        with Image.open(out / name) as image:
            formats.append(image.format)
    assert formats == ["PNG", "JPEG", "WEBP", "JPEG", "JPEG"]


def test_images_are_called_by_their_path_in_the_folder(detect: Detect, tmp_path: Path, out: Path) -> None:
    detect(copies(tmp_path / "in", "a/cat.png", "b/cat.png", "b/c/cat.jpg", "images/other.png"), "--out", out)
    assert files(out) == ["a__cat.png", "b__c__cat.jpg", "b__cat.png", "detections.jsonl", "other.png"]


def test_yolo_writes_a_label_file_an_image_and_the_names_of_its_classes(
    detect: Detect, tmp_path: Path, out: Path
) -> None:
    printed = detect(copies(tmp_path / "in", "a/cat.png", "b/cat.png", "x.png"), "--out", out, "--format", "yolo",
                     "--no-save-images")  # fmt: skip
    labels = ["labels/a__cat.txt", "labels/b__cat.txt", "labels/x.txt"]
    assert files(out) == ["classes.csv", "data.yaml", "detections.yolo.txt", *labels]
    line = (out / "labels" / "x.txt").read_text()
    assert f'  {line.split()[0]}: "Cat"' in (out / "data.yaml").read_text().splitlines()
    assert printed.count(line) == 3


def test_crops_are_the_objects_one_file_each_below_the_class(detect: Detect, out: Path) -> None:
    record = json.loads(detect(COFFEE, "--out", out, "--save-crops", "--no-save-images"))
    found = record["detections"]
    assert found
    expected = sorted(
        f"crops/{item['name'].lower().replace(' ', '-')}/coffee-{number}.png" for number, item in enumerate(found, 1)
    )
    assert [name for name in files(out) if name.startswith("crops/")] == expected
    assert [name for name in files(out) if "/" not in name] == ["detections.jsonl"]
    best = found[0]
    with Image.open(out / "crops" / best["name"].lower().replace(" ", "-") / "coffee-1.png") as crop:
        ymin, xmin, ymax, xmax = best["box"]
        assert crop.width == pytest.approx((xmax - xmin) * record["width"], abs=2)
        assert crop.height == pytest.approx((ymax - ymin) * record["height"], abs=2)


def test_a_second_run_into_the_same_folder_does_not_read_the_first_ones_images(detect: Detect, tmp_path: Path) -> None:
    folder = copies(tmp_path / "in", "a.png")
    for _ in range(2):
        printed = detect(folder, "--out", folder / "found")
        assert len(printed.splitlines()) == 1
    assert files(folder / "found") == ["a.png", "detections.jsonl"]


def test_an_image_that_fails_is_in_the_results_and_writes_nothing_else(
    command: Command, tmp_path: Path, out: Path
) -> None:
    folder = copies(tmp_path / "in", "good.png")
    (folder / "bad.png").write_bytes(b"bad")
    result = command("detect", folder, "--out", out, "--model", "ssd23")
    assert result.returncode == 1
    assert files(out) == ["detections.jsonl", "good.png"]
    bad, good = [json.loads(line) for line in (out / "detections.jsonl").read_text("utf-8").splitlines()]
    assert "bad.png: expected an image" in bad["error"]
    assert [item["name"] for item in good["detections"]] == ["Cat"]


def test_one_image_is_not_one_images(detect: Detect, out: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    detect(CHELSEA, "--out", out)
    assert "1 image, 1 object, 0 failed" in caplog.text


def test_a_second_run_leaves_nothing_of_the_first_and_every_file_of_others(detect: Detect, tmp_path: Path) -> None:
    source, out = copies(tmp_path / "in", "a/cat.png", "b/cat.png"), tmp_path / "out"
    detect(source, "--out", out, "--save-crops", "--format", "yolo")
    (out / "notes.txt").write_bytes(b"")
    shutil.rmtree(source / "b")
    detect(source, "--out", out, "--format", "coco")
    assert files(out) == ["a__cat.png", "detections.coco.json", "notes.txt"]


def test_results_of_an_earlier_run_may_be_the_images_of_the_next(detect: Detect, tmp_path: Path) -> None:
    out = tmp_path / "out"
    detect(CHELSEA, "--out", out, "--save-crops")
    crop = out / "crops" / "cat" / "chelsea-1.png"
    assert crop.exists()
    detect(crop, "--out", out)
    assert files(out) == ["chelsea-1.png", "crops/cat/chelsea-1.png", "detections.jsonl"]


@pytest.mark.parametrize(("encoding", "format_"), [("ascii", "csv"), ("latin-1", "coco"), ("ascii", "jsonl")])
def test_every_encoding_of_stdout_can_take_every_name(
    command: Command, tmp_path: Path, encoding: str, format_: str
) -> None:
    copies(tmp_path, "é☕.png")
    done = command("detect", tmp_path, "--model", "ssd23", "--format", format_, env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    if format_ != "csv":
        assert "é☕" in str(json.loads(done.stdout))
