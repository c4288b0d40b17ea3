"""Every verb that takes annotated images takes every format of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from boxable.datasets.annotated_formats import FORMATS
from boxable.datasets.ground_truth import open_ground_truth
from boxable.openimages.convert_set import convert
from boxable.openimages.split import split
from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES
from tests.formats.test_tables import write
from tests.openimages.made import CAT, box, write_set

IDS = ("a", "b")
WRITTEN = [name for name, known in FORMATS.items() if known.write]
SETS = [*WRITTEN, "parts", "one table", "images beside the tables"]


def made(folder: Path, name: str) -> Path:
    """A set of two images, each with a cat, in this format; sizes and boxes are whole pixels."""
    tables = write_set(folder / "tables", [box(image, sides=(0.25, 0.5, 0.25, 0.75)) for image in IDS])
    if name == "parts":
        split(tables, folder / "parts", 2)
        return folder / "parts"
    if name == "one table":
        return tables / "annotations-bbox.csv"
    if name == "images beside the tables":
        for path in (tables / "images").iterdir():
            path.rename(tables / path.name)
        (tables / "images").rmdir()
        return tables
    dest = folder / "set.json" if FORMATS[name].makes == "file" else folder / "set"
    convert(tables, dest, name, shards=2)
    if name == "coco":  # its images are where the file says
        shutil.copytree(tables / "images", folder / "images")
    return dest


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_ground_truth_with_its_images(tmp_path: Path, name: str) -> None:
    with open_ground_truth(made(tmp_path, name)) as found:
        assert found.boxes.image.strings() == list(IDS)
        assert found.boxes.label.strings() == [CAT, CAT]
        assert found.boxes.box == pytest.approx(np.array([[0.25, 0.25, 0.75, 0.5]] * 2))
        assert sorted(found.files) == list(IDS)
        assert all(path.read_bytes().startswith(b"\xff\xd8") for path in found.files.values())


@pytest.mark.parametrize("name", SETS)
def test_each_verb_takes_it(invoke: Invoke, tmp_path: Path, name: str) -> None:
    source = made(tmp_path, name)
    found = [(image, CAT, 0.9, 0.25, 0.5, 0.25, 0.75) for image in IDS]
    predictions = write(
        tmp_path / "found.csv", ["ImageID", "LabelName", "Score", "XMin", "XMax", "YMin", "YMax"], found
    )
    assert "mAP 1.0000" in invoke("evaluate", source, predictions, "--protocol", "pascal").stdout
    stats = json.loads(invoke("data", "stats", source, "--format", "json").stdout)
    assert (stats["images"], stats["boxes"]) == (2, 2)
    assert invoke("data", "verify", source).code == 0
    assert invoke("data", "show", source, "--out", tmp_path / "sheet.jpg").code == 0
    assert invoke("data", "split", source, "--out", tmp_path / "split", "--every", "2").code == 0
    assert sum(len([*(tmp_path / "split" / part / "images").iterdir()]) for part in ("train", "validation")) == 2
    assert invoke("data", "convert", source, tmp_path / "yolo", "--to", "yolo").code == 0
    assert sorted(path.stem for path in (tmp_path / "yolo" / "images").rglob("*.jpg")) == list(IDS)
    assert not [*(tmp_path / "home" / "data").glob("*/*.arrow")]


def test_the_examples_are_a_set(invoke: Invoke, tmp_path: Path) -> None:
    assert json.loads(invoke("data", "stats", EXAMPLES, "--format", "json").stdout)["images"] == 3
    assert invoke("data", "verify", EXAMPLES).code == 0
    assert invoke("data", "show", EXAMPLES, "--out", tmp_path / "sheet.jpg").code == 0
    assert invoke("data", "convert", EXAMPLES, tmp_path / "voc", "--to", "voc").code == 0
    assert len([*(tmp_path / "voc" / "JPEGImages").iterdir()]) == 3
