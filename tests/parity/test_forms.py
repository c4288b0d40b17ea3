"""The real 23-class network in the four forms that the original exports: one set of arrays, one set of detections."""

import lzma
import tarfile
from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.weights.importing import read_model
from tests.parity.conftest import PHOTOS, open_photo
from tests.parity.same_set import Found, excused_differences

FORMS = ("checkpoint", "frozen graph", "TF-Hub archive with variables", "TF-Hub archive with constants")


@pytest.fixture(scope="module")
def files(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, real23 = tmp_path_factory.mktemp("forms"), reference / "real23"
    with tarfile.open(real23 / "checkpoint_tf1.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    (folder / "frozen.pb").write_bytes(lzma.decompress((real23 / "frozen_inference_graph.pb.xz").read_bytes()))
    (checkpoint,) = folder.rglob("model.ckpt.index")
    paths = (checkpoint, folder / "frozen.pb", real23 / "hub_variables.tar.gz", real23 / "hub_constants.tar.gz")
    return dict(zip(FORMS, paths, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_arrays_classes_and_recorded_detections(
    form: str, files: dict[str, Path], ssd23_weights: Path
) -> None:
    model = read_model(files[form], "imported")
    expected = boxable.Model.from_bytes(ssd23_weights.read_bytes(), "ssd23")
    assert model.weights.keys() == expected.weights.keys()
    assert all(np.array_equal(model.weights[name], values) for name, values in expected.weights.items())
    assert model.classes == expected.classes
    detector = boxable.load(model)
    for photo in PHOTOS:
        found = detector(open_photo(photo).pixels, min_score=0)
        columns = np.array([model.classes.column(model.classes.find(mid)) for mid in found.mids.tolist()])
        recorded = open_photo(photo).detections("real23")
        theirs = Found(recorded.classes, recorded.scores, recorded.boxes)
        print(photo, excused_differences(Found(columns, found.scores, found.boxes), theirs))
