"""Fetching with genuine rows of the official tables, and the genuine images that are at hand."""

import threading
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from boxable.openimages import Dataset
from boxable.openimages.convert_set import convert
from boxable.openimages.fetch.fetch_folder import fetch_folder
from boxable.openimages.fetch.planning import planned
from boxable.openimages.fetch.request import Request
from tests.conftest import ROOT
from tests.openimages.official import serving

DATA = ROOT.parent / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not beside this checkout")
def test_genuine_rows_and_photos_come_through_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = DATA / "annotations-only"
    photos = sorted((DATA / "eval-oi" / "images").glob("*.jpg"))
    folder = "tables/2018_04/validation/validation"
    boxes = (tables / "validation-annotations-bbox.fruit-and-spoon.csv").read_bytes()
    images = (tables / "validation-images-with-rotation.fruit-and-spoon.csv").read_bytes()
    files = {f"images/validation/{path.name}": path.read_bytes() for path in photos} | {
        f"{folder}-annotations-bbox.csv": boxes,
        f"{folder}-annotations-human-imagelabels-boxable.csv": b"ImageID,Source,LabelName,Confidence\n",
        f"{folder}-images-with-rotation.csv": images,
        "tables/2018_04/class-descriptions-boxable.csv": (tables / "class-descriptions-boxable.csv").read_bytes(),
    }
    with serving(files) as server:
        monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("BOXABLE_OPENIMAGES", f"{server.address}/tables")
        monkeypatch.setenv("BOXABLE_OPENIMAGES_IMAGES", f"{server.address}/images")
        with planned(tmp_path / "data", Request("validation", classes="Spoon,Fruit")) as plan:
            done = fetch_folder(tmp_path / "data", plan, threading.Event())
    at_hand = {path.stem for path in photos} & set(plan.ids)
    assert len(plan.ids) == 456
    assert {path.stem for path in (tmp_path / "data" / "images").iterdir()} == at_hand
    assert {reason for _, reason in done.failures} == {"the server answered 404"}
    assert done.images + len(done.failures) == 456
    listed = pq.read_table(tmp_path / "data" / "images.parquet").to_pylist()
    assert all(row["License"] == "https://creativecommons.org/licenses/by/2.0/" and row["Author"] for row in listed)
    assert {row["Title"] for row in listed} >= {"Alianza del Pacífico en la SIAL 2015", "Melon CHino"}
    assert sum(bool(row["Width"]) for row in listed) == len(at_hand) > 0


# How far a side of a box may move, as a share of the image: VOC has whole pixels, others float32 or nine digits.
PRECISION = {"openimages": 0, "parquet": 0, "coco": 1e-7, "yolo": 1e-7, "voc": 0.005, "tfrecord": 1e-7}


@pytest.mark.skipif(not DATA.is_dir(), reason="the data sets are not beside this checkout")
@pytest.mark.parametrize("form", PRECISION)
@pytest.mark.parametrize("name", ["eval-oi", "tiny", "tune-bccd"])
def test_genuine_boxes_and_photos_come_back_from_every_form(name: str, form: str, tmp_path: Path) -> None:
    dest = tmp_path / ("there.json" if form == "coco" else "there")
    convert(DATA / name, dest, form, shards=3)
    if form == "coco":
        (tmp_path / "images").symlink_to(DATA / name / "images")
    convert(dest, tmp_path / "back", "parquet")
    before, after = Dataset(DATA / name), Dataset(tmp_path / "back")
    assert [*after.index.image_ids()] == [*before.index.image_ids()]
    for number in range(len(before)):
        mine, others = before.targets(number), after.targets(number)
        assert others.mids == mine.mids
        np.testing.assert_allclose(others.boxes, mine.boxes, rtol=0, atol=PRECISION[form])
        photo = f"{mine.image_id}.jpg"
        assert (tmp_path / "back" / "images" / photo).read_bytes() == (DATA / name / "images" / photo).read_bytes()
