"""With --keep a model gets new classes, and all that it had stays as it was, bit by bit."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import boxable
from boxable.images.sources import source_of
from boxable.runtimes import Concurrency, open_runtime
from boxable.training.recipes import DefaultRecipe
from boxable.vocabulary import ClassList
from boxable.weights.extend_classes import with_classes
from boxable.weights.model import Model
from boxable.weights.pull import open_model
from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES
from tests.openimages.made import CAT, box, write_csv
from tests.training.sets import NAMES, SIDES, training_set

ALPACA = "/m/0pcr"
TRAINED, NEW = (CAT, "user/yeti", ALPACA), 2
# Images of each set; `data` has as many.
EVALUATION = {"eval-coco": 219, "eval-voc": 70, "eval-oi": 26}


def keep(folder: Path, start: Path | str, *mids: str, steps: int = 6) -> Path:
    """Train a model for classes beside its own, where user/yeti is called Yeti; return the folder of the run.

    So few steps do not end early for want of a better validation.
    """
    source = training_set(folder / "set", [box(name, mid, SIDES) for name in NAMES for mid in mids])
    names = [(mid, mid.rpartition("/")[2].capitalize()) for mid in mids if mid.startswith("user/")]
    write_csv(source / "classes.csv", ("LabelName", "DisplayName"), names)
    boxable.train(source, start, out=folder / "run", keep=True, steps=steps, batch_size=4, workers=0)
    return folder / "run"


def new_columns(model: Model) -> dict[str, np.ndarray]:
    """The last columns of the class layers, by variable."""
    layers = tuple(f"{layer}/" for layer in model.network.class_layers)
    classes = 1 + model.network.num_classes
    return {
        name: values.reshape(*values.shape[:-1], -1, classes)[..., -NEW:]
        for name, values in model.weights.items()
        if name.startswith(layers)
    }


@pytest.fixture(scope="module")
def start(ssd23_weights: object) -> Model:
    return open_model("ssd23").model()


@pytest.fixture(scope="module")
def run(start: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that adds alpacas and yetis to cats and the other classes of ssd23."""
    return keep(tmp_path_factory.mktemp("keep"), "ssd23", *TRAINED)


def test_old_classes_keep_their_columns_and_ids_and_new_ones_follow(start: Model, run: Path, tmp_path: Path) -> None:
    first = open_model(str(run)).description.classes
    assert [*first][:-NEW] == [*start.classes]
    assert [(item.label_id, item.mid, item.name) for item in [*first][-NEW:]] == [
        (1001, "user/yeti", "Yeti"), (593, ALPACA, "Alpaca")
    ]  # fmt: skip
    second = open_model(str(keep(tmp_path, run, "user/elf", "user/yeti", steps=2))).description.classes
    assert [*second][:-1] == [*first]
    assert [(item.label_id, item.mid, item.name) for item in [*second][-1:]] == [(1002, "user/elf", "Elf")]


@pytest.mark.parametrize("checkpoint", ["best", "last"])
def test_nothing_but_the_columns_of_new_classes_is_trained(start: Model, run: Path, checkpoint: str) -> None:
    trained = open_model(str(run / checkpoint)).model()
    untrained = new_columns(with_classes(start, trained.classes, 0, DefaultRecipe.prior))
    for name, columns in new_columns(trained).items():
        assert (columns != untrained[name]).mean() > 0.9, name
    for name, values in with_classes(trained, start.classes, 0).weights.items():
        assert np.array_equal(values, start.weights[name]), name


def test_what_new_columns_learn_does_not_depend_on_the_old_ones(start: Model, run: Path, tmp_path: Path) -> None:
    weights = {
        name: values + np.float32(20 * name.endswith("/ClassPredictor/biases"))
        for name, values in start.weights.items()
    }
    replace(start, weights=weights).save(tmp_path / "other.safetensors")
    other = keep(tmp_path, tmp_path / "other.safetensors", *TRAINED)
    expected, found = (new_columns(open_model(str(folder / "last")).model()) for folder in (run, other))
    for name, columns in found.items():
        assert np.array_equal(columns, expected[name]), name


def require_the_same(run: Path, images: Iterable[Path], classes: ClassList) -> None:
    """Compare raw outputs of old columns, and detections of old classes, with `==`."""
    files = [*images]
    selection = ",".join(item.mid for item in classes)
    models = [open_model("ssd23"), open_model(str(run))]
    runtimes = [open_runtime("onnxruntime", model, "fp32", Concurrency(2)) for model in models]
    for path in files:
        inputs = {"images": models[0].description.network.preprocess(source_of(path).read(None).pixels)[None]}
        expected, found = (runtime.run("detector", inputs) for runtime in runtimes)
        assert np.array_equal(found["class_logits"][..., :-NEW], expected["class_logits"]), path
        assert np.array_equal(found["box_encodings"], expected["box_encodings"]), path
    old = boxable.load("ssd23").stream(files, min_score=0)
    new = boxable.load(run).stream(files, classes=selection, min_score=0)
    for path, before, after in zip(files, old, new, strict=True):
        assert len(before), path
        for field in ("boxes", "scores", "label_ids", "mids", "names"):
            assert np.array_equal(getattr(before, field), getattr(after, field)), (path, field)


def test_raw_outputs_and_detections_of_old_classes_are_those_of_the_start(start: Model, run: Path) -> None:
    require_the_same(run, EXAMPLES.glob("*.png"), start.classes)


def test_they_are_on_all_evaluation_images(start: Model, run: Path, data: Path) -> None:
    images = [sorted((data / name / "images").iterdir()) for name in EVALUATION]
    assert [len(paths) for paths in images] == [*EVALUATION.values()]
    require_the_same(run, [path for paths in images for path in paths], start.classes)


def test_the_command_finds_old_classes_as_before_and_new_ones_too(invoke: Invoke, start: Model, run: Path) -> None:
    def found(model: object, classes: str) -> list[dict[str, object]]:
        result = invoke("detect", EXAMPLES, "--model", model, "--classes", classes, "--min-score", "0")
        assert (result.stderr, result.code) == ("", 0)
        return [json.loads(line) for line in result.lines]

    old = ",".join(item.mid for item in start.classes)
    assert found(run, old) == found("ssd23", old)
    names = {item["name"] for image in found(run, "Alpaca,Yeti") for item in image["detections"]}  # type: ignore[attr-defined]
    assert names == {"Alpaca", "Yeti"}
