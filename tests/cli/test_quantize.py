"""`boxable quantize`: int8 for a model, measured on images outside the calibration set."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.evaluation import quantize as quantizing
from boxable.weights.model import Model
from boxable.weights.pull import read_weights
from boxable.weights.store import install
from tests.cli.conftest import Invoke
from tests.cli.test_evaluate_model import BOXES, TRUTH_NAMES
from tests.conftest import EXAMPLES
from tests.formats.test_tables import write

MIRRORED = {"a": False, "b": True}


def annotated(folder: Path, images: str = "ab") -> Path:
    """A set of the three example images with a box each, and none of what is in the others: as they are, mirrored."""
    (folder / "images").mkdir(parents=True)
    rows, labels = [], []
    for image in images:
        for name, (mid, *box) in BOXES.items():
            with Image.open(EXAMPLES / f"{name}.png") as photo:
                shown = photo.convert("RGB").resize((300, 300))
            pixels = np.asarray(shown)[:, ::-1] if MIRRORED[image] else np.asarray(shown)
            Image.fromarray(np.ascontiguousarray(pixels)).save(folder / "images" / f"{image}-{name}.png")
            rows.append((f"{image}-{name}", mid, 0, 1, 0, 1, box[-1]))
            labels += [(f"{image}-{name}", other, int(other == mid)) for other, *_ in BOXES.values()]
    write(folder / "annotations-bbox.csv", TRUTH_NAMES, rows)
    write(folder / "annotations-human-imagelabels.csv", ["ImageID", "LabelName", "Confidence"], labels)
    return folder


@pytest.fixture(scope="module")
def weights(ssd23_weights: Path) -> Model:
    return read_weights("ssd23")[0]


@pytest.fixture
def mine(weights: Model, tmp_path: Path, empty_home: Path) -> str:
    """A model of the user's own: nobody has calibrated it."""
    install(other_weights(weights, "mine"))
    return "mine"


def other_weights(model: Model, handle: str) -> Model:
    changed = dict(model.weights)
    name = "BoxPredictor_0/ClassPredictor/biases"
    changed[name] = changed[name] + np.float32(1e-3)
    return Model(model.network, changed, model.classes, handle)


def kept(home: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in (home / "calibrated").glob("*")]


def test_a_model_is_measured_on_other_photos_and_loads_in_int8_afterwards(
    mine: str, empty_home: Path, tmp_path: Path, invoke: Invoke
) -> None:
    with pytest.raises(boxable.BoxableError, match=r"mine: not calibrated .* run: boxable quantize mine --calibration"):
        boxable.load(mine, precision="int8")
    assert "not calibrated; run: boxable quantize mine" in invoke("models", "info", mine).stdout
    calibration = annotated(tmp_path / "photos", "a") / "images"
    data = annotated(tmp_path / "labelled", "ab")
    result = invoke("quantize", mine, "--calibration", calibration, "--data", data, "--loss", 100)
    assert (result.code, result.stderr) == (0, "")
    assert result.lines[0] == "calibrated on 3 images; 200 are better"
    # The three that are not mirrored are among those that it was calibrated with.
    assert re.fullmatch(
        r"mAP fp32 0\.\d{4}, int8 0\.\d{4}: [+-]\d+\.\d\d points \[[+-]\d+\.\d\d, [+-]\d+\.\d\d\] "
        r"\(labelled: 3 images, 3 classes; onnxruntime\)",
        result.lines[1],
    )
    (content,) = kept(empty_home)
    assert (content["model"], content["images"]) == ("mine", 3)
    (accuracy,) = content["accuracy"]
    assert result.lines[1].startswith(f"mAP fp32 {accuracy['fp32']:.4f}, int8 {accuracy['int8']:.4f}")
    info = invoke("models", "info", mine).stdout
    assert "int8           calibrated on 3 images\n" in info
    assert result.lines[1] in info
    best = boxable.load(mine, precision="int8")(str(EXAMPLES / "chelsea.png"))[0]
    assert best.name == "Cat"
    assert best.score == pytest.approx(boxable.load(mine)(str(EXAMPLES / "chelsea.png"))[0].score, abs=0.1)


def test_half_of_an_annotated_folder_is_held_out_always_the_same(
    mine: str, empty_home: Path, tmp_path: Path, invoke: Invoke
) -> None:
    folder = annotated(tmp_path / "set")
    first = invoke("quantize", mine, "--calibration", folder, "--loss", 100)
    assert (first.code, first.lines[0]) == (0, "calibrated on 3 images; 200 are better")
    assert "(set: 3 images, " in first.lines[1]
    again = invoke("quantize", mine, "--calibration", folder, "--loss", 100)
    replaced = "it takes the place of the earlier calibration of this model"
    assert again.lines == [*first.lines[:-1], replaced, first.lines[-1]]


def test_the_calibration_that_ships_is_told_from_an_earlier_one(
    weights: Model, empty_home: Path, tmp_path: Path, invoke: Invoke
) -> None:
    install(Model(weights.network, weights.weights, weights.classes, "copy"))
    folder = annotated(tmp_path / "set", "a") / "images"
    shipped = "it takes the place of the calibration for these weights that Boxable ships"
    assert invoke("quantize", "copy", "--calibration", folder, "--force").lines[-2] == shipped
    (file,) = (empty_home / "calibrated").iterdir()
    file.write_bytes(b"damaged")
    earlier = "it takes the place of the earlier calibration of this model"
    assert invoke("quantize", "copy", "--calibration", folder, "--force").lines[-2] == earlier


@pytest.fixture
def ruined(weights: Model, tmp_path: Path, empty_home: Path) -> str:
    """A model that int8 ruins: in each class head weights of a channel that is always 0 outweigh all others."""
    changed = dict(weights.weights)
    heads = {layer.name: layer for layer in weights.network.layers if layer.name in weights.network.class_layers}
    for head in heads.values():
        for variable in ("gamma", "beta"):
            name = f"{head.source}/BatchNorm/{variable}"
            changed[name] = changed[name].copy()
            changed[name][0] = 0
        name = head.kernel_name
        changed[name] = changed[name].copy()
        changed[name][:, :, 0] = 1000
    install(Model(weights.network, changed, weights.classes, "ruined"))
    return "ruined"


def test_a_loss_over_the_bound_is_refused_without_force(
    ruined: str, empty_home: Path, tmp_path: Path, invoke: Invoke
) -> None:
    folder = annotated(tmp_path / "set")
    result = invoke("quantize", ruined, "--calibration", folder)
    assert (result.code, result.lines[0]) == (1, "calibrated on 3 images; 200 are better")
    assert re.search(
        r"loses \d+\.\d\d points of mean AP on the 3 images of set, more than 0\.5; this calibration was not saved",
        result.stderr,
    )
    assert kept(empty_home) == []
    with pytest.raises(boxable.BoxableError, match="not calibrated"):
        boxable.load(ruined, precision="int8")
    forced = invoke("quantize", ruined, "--calibration", folder, "--force")
    assert (forced.code, forced.stderr) == (0, "")
    assert forced.lines[:3] == result.lines
    (content,) = kept(empty_home)
    assert content["accuracy"][0]["fp32"] - content["accuracy"][0]["int8"] > 0.05


def test_without_labelled_photos_it_is_kept_only_by_force_and_says_so(
    mine: str, empty_home: Path, tmp_path: Path, invoke: Invoke
) -> None:
    folder = annotated(tmp_path / "set") / "images"
    result = invoke("quantize", mine, "--calibration", folder)
    assert (result.stdout, result.code) == ("", 2)
    assert "give annotated images with --data, or --force" in result.stderr
    assert kept(empty_home) == []
    forced = invoke("quantize", mine, "--calibration", folder, "--force")
    assert forced.code == 0
    assert forced.lines[:2] == ["calibrated on 6 images; 200 are better", "the loss of int8 was not measured"]
    assert "int8           calibrated on 6 images, not measured\n" in invoke("models", "info", mine).stdout
    assert len(boxable.load(mine, precision="int8")(str(EXAMPLES / "chelsea.png")))


def test_a_file_is_calibrated_as_an_installed_model_is(
    weights: Model, empty_home: Path, tmp_path: Path, invoke: Invoke
) -> None:
    file = tmp_path / "my model.safetensors"
    other_weights(weights, "other").save(file)
    with pytest.raises(boxable.BoxableError, match=r"boxable quantize '.*my model\.safetensors' --calibration DIR"):
        boxable.load(file, precision="int8")
    folder = annotated(tmp_path / "set", "a") / "images"
    assert invoke("quantize", file, "--calibration", folder, "--force").code == 0
    assert boxable.load(file, precision="int8")(str(EXAMPLES / "chelsea.png"))[0].name == "Cat"


def test_a_model_with_equal_weights_is_not_changed(
    weights: Model, mine: str, empty_home: Path, tmp_path: Path, invoke: Invoke
) -> None:
    install(other_weights(weights, "twin"))
    files = [tmp_path / name / "mine.safetensors" for name in "ab"]
    for file in files:
        file.parent.mkdir()
        other_weights(weights, "mine").save(file)
    folder = annotated(tmp_path / "set", "a") / "images"
    assert invoke("quantize", mine, "--calibration", folder, "--force").code == 0
    assert invoke("quantize", files[0], "--calibration", folder, "--force").code == 0
    assert len(kept(empty_home)) == 2
    boxable.load(mine, precision="int8")
    boxable.load(files[0], precision="int8")
    for other in ("twin", files[1]):
        with pytest.raises(boxable.BoxableError, match="not calibrated"):
            boxable.load(other, precision="int8")
    assert invoke("models", "remove", files[0], "--calibration-only").code == 0
    assert len(kept(empty_home)) == 1
    boxable.load(mine, precision="int8")


Wrong = Callable[[Path], list[object]]
WRONG: dict[str, tuple[Wrong, str, int]] = {
    "an ONNX file": (
        lambda place: [place / "a.onnx", "--calibration", annotated(place / "set")],
        "expected a model's name or the .safetensors file", 1,
    ),
    "an unknown model": (
        lambda place: ["nobody", "--calibration", annotated(place / "set")], "unknown model 'nobody'", 2,
    ),
    "no photo to calibrate with": (
        lambda place: ["mine", "--calibration", folder_of(place / "empty"), "--data", annotated(place / "set")],
        "expected 1 or more images in it, got 0", 2,
    ),
    "one photo, of which half shall be held out": (
        lambda place: ["mine", "--calibration", only_one(annotated(place / "set"))],
        "expected 2 or more images in it, got 1", 2,
    ),
    "the same photos for both": (
        lambda place: ["mine", "--calibration", annotated(place / "a"), "--data", annotated(place / "b")],
        "no annotated image in it outside the calibration set", 2,
    ),
    "data without annotations": (
        lambda place: ["mine", "--calibration", annotated(place / "a"), "--data", annotated(place / "b") / "images"],
        "no annotations in this folder", 2,
    ),
    "boxes of classes that it cannot name": (
        lambda place: ["mine", "--calibration", annotated(place / "a", "a"), "--data", of_bananas(place / "b")],
        "no box in it is of a class that mine can name", 2,
    ),
}  # fmt: skip


def folder_of(path: Path) -> Path:
    path.mkdir()
    return path


def only_one(folder: Path) -> Path:
    for path in sorted((folder / "images").iterdir())[1:]:
        path.unlink()
    return folder


def of_bananas(folder: Path) -> Path:
    annotated(folder, "b")
    write(folder / "annotations-bbox.csv", TRUTH_NAMES, [("b-chelsea", "/m/09qck", 0, 1, 0, 1, 0)])
    return folder


@pytest.mark.parametrize(("arguments", "says", "code"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_one_line(
    mine: str, empty_home: Path, tmp_path: Path, invoke: Invoke, arguments: Wrong, says: str, code: int
) -> None:
    (tmp_path / "a.onnx").write_bytes(b"")
    result = invoke("quantize", *arguments(tmp_path))
    assert says in result.stderr
    assert (result.code, len(result.stderr.splitlines())) == (code, 1)
    assert kept(empty_home) == []


def test_a_damaged_calibration_says_what_to_do(mine: str, empty_home: Path, tmp_path: Path, invoke: Invoke) -> None:
    folder = annotated(tmp_path / "set", "a") / "images"
    assert invoke("quantize", mine, "--calibration", folder, "--force").code == 0
    (path,) = (empty_home / "calibrated").iterdir()
    content = path.read_bytes()
    unfit = json.loads(content)
    unfit["ranges"].pop(next(iter(unfit["ranges"])))
    for damaged in (content[:1000], json.dumps(unfit).encode(), json.dumps(unfit | {"factors": {}}).encode()):
        path.write_bytes(damaged)
        with pytest.raises(boxable.BoxableError, match="run `boxable quantize` again"):
            boxable.load(mine, precision="int8")
    path.write_bytes(content[:1000])
    assert re.search("int8 .*not a readable calibration.*\nclasses", invoke("models", "info", mine).stdout)


def test_what_is_no_photo_is_passed_over(
    mine: str, empty_home: Path, tmp_path: Path, invoke: Invoke, caplog: pytest.LogCaptureFixture
) -> None:
    folder = annotated(tmp_path / "set", "a") / "images"
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.jpg")
    result = invoke("quantize", mine, "--calibration", folder, "--force")
    assert (result.code, result.lines[0]) == (0, "calibrated on 3 images; 200 are better")
    assert "gone.jpg: a broken link" in caplog.text
    assert "got a pipe or a device" in caplog.text


def test_what_is_measured_is_what_load_opens(
    mine: str, empty_home: Path, tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    class Seen(boxable.Detector):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            opened.append(self.fingerprint)

    monkeypatch.setattr(quantizing, "Detector", Seen)
    folder = annotated(tmp_path / "set")
    assert invoke("quantize", mine, "--calibration", folder, "--loss", 100).code == 0
    assert opened == [boxable.load(mine, precision=precision).fingerprint for precision in ("fp32", "int8")]
