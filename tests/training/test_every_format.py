"""Every format that `boxable evaluate` reads is trained on in place."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from boxable.datasets.annotated_formats import FORMATS, format_of
from boxable.openimages.convert_set import convert
from boxable.openimages.split import split
from boxable.weights.pull import open_model
from tests.openimages.made import CAT, box
from tests.training.conftest import Train
from tests.training.sets import NAMES, SIDES, training_set


def converted(name: str) -> Callable[[Path, Path], Path]:
    def make(tables: Path, folder: Path) -> Path:
        convert(tables, folder / "set", name, shards=2 if name == "tfrecord" else None)
        return folder / "set"

    return make


def coco(tables: Path, folder: Path) -> Path:
    convert(tables, folder / "set.json", "coco")
    shutil.copytree(tables / "images", folder / "images")
    return folder / "set.json"


def splits(tables: Path, folder: Path) -> Path:
    split(tables, folder / "set", 2)
    return folder / "set"


def images_beside_tables(tables: Path, folder: Path) -> Path:
    shutil.copytree(tables / "images", folder / "set")
    shutil.copy(tables / "annotations-bbox.csv", folder / "set")
    return folder / "set"


def oid_toolkit(tables: Path, folder: Path) -> Path:
    cats = folder / "OID" / "Dataset" / "train" / "Cat"
    shutil.copytree(tables / "images", cats)
    (cats / "Label").mkdir()
    for name in NAMES:
        (cats / "Label" / f"{name}.txt").write_text("Cat 2 2 8 6\n")
    return folder / "OID"


def pixel_csv(tables: Path, folder: Path) -> Path:
    shutil.copytree(tables / "images", folder / "set" / "images")
    rows = [f"{name}.jpg,16,8,Cat,2,2,8,6" for name in NAMES]
    text = "\n".join(["filename,width,height,class,xmin,ymin,xmax,ymax", *rows, ""])
    (folder / "set" / "labels.csv").write_text(text)
    return folder / "set"


# Of each format a set of all images with a cat in each, made of tables; the first names are those of FORMATS.
MAKERS: dict[str, Callable[[Path, Path], Path]] = {
    **{name: converted(name) for name, known in FORMATS.items() if known.write},
    "coco": coco,
    "coco-folder": lambda tables, folder: coco(tables, folder).parent,
    "splits": splits,
    "oid-toolkit": oid_toolkit,
    "pixel-csv": pixel_csv,
    "one table": lambda tables, folder: tables / "annotations-bbox.csv",
    "images beside tables": images_beside_tables,
}
# What is read as another format.
READ_AS = {"parquet": "openimages"}


def test_every_format_is_among_them() -> None:
    assert set(FORMATS) <= set(MAKERS)


def written(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", MAKERS)
def test_it_is_trained_on(train: Train, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    tables = training_set(tmp_path / "tables", [box(image, CAT, SIDES) for image in NAMES])
    (tmp_path / "made").mkdir()
    source = MAKERS[name](tables, tmp_path / "made")
    assert name not in FORMATS or format_of(source) == READ_AS.get(name, name)
    before = written(tmp_path)
    result = train(source, "--out", tmp_path / "run", "--steps", "1")
    assert (result.stderr, result.code) == ("", 0)
    assert "5 images to train on, 5 images to validate by" in caplog.text
    assert "another image is used in its place" not in caplog.text
    assert [item.mid for item in open_model(str(tmp_path / "run")).description.classes] == [CAT]
    shutil.rmtree(tmp_path / "run")
    assert written(tmp_path) == before
