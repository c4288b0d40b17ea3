"""What the original writes imports to the very arrays it was given, and detects what it detected."""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.vocabulary import open_images
from boxable.weights.importing import read_model
from tests.parity.conftest import PHOTOS, open_photo
from tests.parity.formula_weights import formula_weights
from tests.parity.same_set import Found, excused_differences

pytestmark = pytest.mark.tensorflow

FORMS = {
    "checkpoint": "checkpoint/model.ckpt",
    "checkpoint folder": "checkpoint",
    "frozen graph": "frozen_inference_graph.pb",
    "SavedModel": "saved_model",
    "TF-Hub module": "hub_constants",
    "checkpoint in shards": "sharded/model.ckpt",
}


@pytest.fixture(scope="module")
def expected() -> dict[str, np.ndarray]:
    return formula_weights(ssd_mobilenet_v2(601).variables)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_gives_bit_identical_arrays(original: Path, expected: dict[str, np.ndarray], form: str) -> None:
    model = read_model(original / form, "original")
    assert model.weights.keys() == expected.keys()
    for name, values in expected.items():
        assert model.weights[name].dtype == np.float32
        assert np.array_equal(model.weights[name], values), name
    assert model.classes == open_images()
    assert model.score_threshold == pytest.approx(1e-8, rel=1e-6)


def test_the_checkpoint_has_the_sizes_of_the_published_one(original: Path) -> None:
    files = {path.name: path.stat().st_size for path in (original / "checkpoint").iterdir()}
    assert files["model.ckpt.data-00000-of-00001"] == 57_841_536
    assert files["model.ckpt.index"] == 14_175


def test_an_archive_of_the_module_gives_them_too(
    original: Path, expected: dict[str, np.ndarray], tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "1.tar.gz", "w:gz", compresslevel=1) as archive:
        for path in sorted((original / "hub_constants").iterdir()):
            archive.add(path, path.name)
    model = read_model(tmp_path / "1.tar.gz", "archive")
    assert all(np.array_equal(model.weights[name], values) for name, values in expected.items())


@pytest.mark.parametrize("form", ["checkpoint", "frozen_inference_graph.pb", "saved_model", "hub_constants"])
def test_every_form_detects_the_recorded_sets(original: Path, form: str) -> None:
    detector = boxable.load(read_model(original / form, "original"))
    for photo in PHOTOS:
        found = detector(open_photo(photo).pixels, min_score=0)
        ours = Found(found.label_ids, found.scores, found.boxes)
        theirs = open_photo(photo).detections("formula601")
        print(photo, excused_differences(ours, Found(theirs.classes + 1, theirs.scores, theirs.boxes)))


def test_a_data_file_that_was_cut_is_refused(original: Path, tmp_path: Path) -> None:
    shutil.copytree(original / "checkpoint", tmp_path / "cut")
    data = tmp_path / "cut" / "model.ckpt.data-00000-of-00001"
    with data.open("r+b") as file:
        file.truncate(data.stat().st_size // 2)
    with pytest.raises(boxable.BoxableError, match="of a data file of"):
        read_model(tmp_path / "cut", "cut")
