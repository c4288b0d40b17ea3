"""`boxable train` on bad data, in bad folders, with bad models and options: one line and an exit code, nothing left."""

import os
import re
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from boxable.networks.architectures import ARCHITECTURES
from boxable.run_folder import open_run_folder
from boxable.vocabulary import ClassList
from boxable.weights.extend_classes import initialized
from boxable.weights.model import Model
from boxable.weights.pull import open_model
from tests.cli.conftest import Invoke
from tests.networks.made_up import two_stages
from tests.openimages.made import CAT, DOG, box
from tests.training.conftest import Train
from tests.training.sets import BOXES, NAMES, SIDES, TRAIN, VALIDATION, training_set, write_photo

OUTSIDE = (1.5, 1.7, 0.2, 0.4)
# What is left of a run that has ended.
FILES = {"run.json", "log.jsonl", "report.html", "curves.png", "best", "last"}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return training_set(tmp_path / "good")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def refused(train: Train, out: Path) -> Callable[..., str]:
    """Run the command with what it must refuse as wrong usage or input; return the one line that it prints."""

    def run(*arguments: object) -> str:
        result = train("--out", out, *arguments)
        (line,) = result.stderr.splitlines()
        assert (result.stdout, result.code) == ("", 2)
        assert line.startswith("boxable: ")
        assert not out.exists()
        return line

    return run


def without_boxes(folder: Path) -> Path:
    source = training_set(folder)
    table = source / "annotations-bbox.csv"
    table.write_text(table.read_text().splitlines()[0] + "\n")
    return source


def without_images(folder: Path) -> Path:
    source = training_set(folder)
    shutil.rmtree(source / "images")
    return source


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def text(folder: Path) -> Path:
    folder.write_text("cats")
    return folder


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda folder: folder, "no such file or folder"),
    "empty folder": (empty, "no annotations in this folder; expected a folder of OIDv4_ToolKit"),
    "text": (text, "a file of no known format; expected a folder of OIDv4_ToolKit"),
    "no boxes": (without_boxes, "expected boxes to train on"),
    "unknown classes": (
        lambda folder: training_set(folder, [box(name, "/m/strange", SIDES) for name in NAMES]),
        "no box can be trained on; 5 training boxes of a class that the set does not name (/m/strange): dropped",
    ),
    "boxes outside": (
        lambda folder: training_set(folder, [box(name, CAT, OUTSIDE) for name in NAMES]),
        "no box can be trained on; 5 training boxes without an area in the image (i01, i02, i05, …): dropped",
    ),
    "a single image": (
        lambda folder: training_set(folder, [box(TRAIN[0], CAT, SIDES)]),
        "1 image, of which the split leaves none for validation; give others with --val DIR",
    ),
    "no image files": (without_images, "no image file there; expected files named by image id, such as i00.jpg"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_set_that_cannot_be_trained_on_is_refused(refused: Callable[..., str], tmp_path: Path, name: str) -> None:
    make, message = BAD[name]
    source = make(tmp_path / "set")
    assert f"{source}" in (line := refused(source))
    assert message in line


def test_a_validation_set_that_does_not_fit_is_refused(refused: Callable[..., str], good: Path, tmp_path: Path) -> None:
    assert "all of its training images are validation images too" in refused(good, "--val", good)
    assert f"{tmp_path / 'none'}: no such file or folder" in refused(good, "--val", tmp_path / "none")
    assert "expected boxes to validate by" in refused(good, "--val", without_boxes(tmp_path / "bare"))
    dogs = training_set(tmp_path / "dogs", [box("other", DOG, SIDES)])
    write_photo(dogs / "images" / "other.jpg", 99)
    cats = training_set(tmp_path / "cats", [box(name, CAT, SIDES) for name in NAMES])
    line = refused(cats, "--val", dogs)
    assert "no validation box is of a class that is trained (Cat); give a set that has some with --val DIR" in line


def test_flaws_of_single_images_and_boxes_are_counted_and_the_run_ends_well(
    train: Train, tmp_path: Path, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shared, *_, outside, corrupt = TRAIN
    odd = [box(outside, CAT, OUTSIDE), box(outside, DOG, (-0.5, 0.5, 0.2, 0.7)), box(outside, "/m/strange", SIDES)]
    source = training_set(tmp_path / "set", [*BOXES, *odd])
    shutil.copy(source / "images" / f"{VALIDATION[0]}.jpg", source / "images" / f"{shared}.jpg")
    for number, name in enumerate((corrupt, VALIDATION[1])):
        (source / "images" / f"{name}.jpg").write_text(f"no image {number}")
    # Four images, each once.
    assert train(source, "--out", out).code == 0
    messages = [record.message for record in caplog.records]
    for expected in (
        f"1 training image with the content of a validation image ({shared}): not trained on",
        "1 training box of a class that the set does not name (/m/strange): dropped",
        f"1 training box without an area in the image ({outside}): dropped",
        f"1 training box reaching outside the image ({outside}): clipped",
    ):
        assert messages.count(expected) == 1
    (replaced,) = [message for message in messages if message.endswith("another image is used in its place")]
    assert f"{corrupt}.jpg: expected an image" in replaced
    (dropped,) = [message for message in messages if message.endswith("dropped from validation")]
    assert f"{VALIDATION[1]}.jpg: expected an image" in dropped
    assert {path.name for path in out.iterdir()} >= FILES


@pytest.mark.parametrize(("names", "message"), [
    (TRAIN, "the next 100 images are unreadable too"), (VALIDATION, "none of the validation images can be read")
])  # fmt: skip
def test_where_no_image_can_be_read_nothing_is_trained(
    train: Train, good: Path, out: Path, names: list[str], message: str
) -> None:
    for number, name in enumerate(names):
        (good / "images" / f"{name}.jpg").write_text(f"no image {number}")
    result = train(good, "--out", out)
    (line,) = result.stderr.splitlines()
    assert (result.stdout, result.code) == ("", 1)
    assert message in line
    assert not (out / "best").exists()


def test_a_loss_that_is_not_finite_stops_the_run_and_saves_the_batch(
    train: Train, good: Path, out: Path, tmp_path: Path
) -> None:
    model = open_model("ssd23").model()
    biases = {name: values * np.float32(np.nan) for name, values in model.weights.items() if name.endswith("biases")}
    replace(model, weights=model.weights | biases).save(tmp_path / "nan.safetensors")
    result = train(good, "--out", out, "--from", tmp_path / "nan.safetensors", "--accumulate", "2")
    (line,) = result.stderr.splitlines()
    assert (result.stdout, result.code) == ("", 1)
    batch = out / "not-finite-0.safetensors"
    assert line.startswith("boxable: step 1: expected finite losses and gradients, got loss nan and gradient norm nan;")
    assert str(batch) in line
    tensors = load_file(batch)
    assert {name for name in tensors if name.startswith("0/")} == {
        name.replace("1/", "0/", 1) for name in tensors if name.startswith("1/")
    }
    assert tensors["1/match"].shape == (1, 1917)
    assert tensors["0/boxes"].shape[2] == 4
    assert not (out / "best").exists()
    assert not (out / "last").exists()


@contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Files that this process writes have at most so many bytes, as on a full disk."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, unlimited[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


def test_a_full_disk_is_one_line_and_no_half_of_a_checkpoint(train: Train, good: Path, out: Path) -> None:
    with limited_files(2_000_000):
        result = train(good, "--out", out)
    (line,) = result.stderr.splitlines()
    assert (result.stdout, result.code) == ("", 1)
    assert line.startswith(f"boxable: cannot write {out}/")
    assert "model.safetensors: " in line
    assert [path.name for path in out.iterdir() if path.is_dir()] == []


def test_a_folder_has_one_run(train: Train, good: Path, out: Path, ssd23_weights: Path, empty_home: Path) -> None:
    arguments = (good, "--out", out, "--from", ssd23_weights, "--steps", "1")
    first = train(*arguments)
    assert (first.stderr, first.code) == ("", 0)
    figure = r"0\.\d{4} \(0\.\d{4} to [01]\.\d{4}\)"
    assert re.fullmatch(f"mAP {figure} of the starting model, {figure} of the best: {out}\n", first.stdout)
    assert {path.name for path in out.iterdir()} >= FILES
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    again = train(*arguments)
    (line,) = again.stderr.splitlines()
    assert (again.stdout, again.code) == ("", 2)
    assert "there is a run already; go on with it by --resume, or take another --out" in line
    other = train(*arguments, "--resume", "--seed", "1")
    assert (other.stdout, other.code) == ("", 2)
    assert "its run was started with --seed 0, got 1; resume it with the same options" in other.stderr
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    named = train(*arguments, "--resume", "--name", "named/later")
    assert (named.stderr, named.code) == ("", 0)
    assert open_model("named/later").description.classes == open_model(str(out)).description.classes
    assert [path.name for path in (empty_home / "models").iterdir()] == ["named--later"]


def test_a_folder_that_cannot_be_written_is_told(train: Train, good: Path, tmp_path: Path) -> None:
    file = text(tmp_path / "file")
    assert "is a file" in (result := train(good, "--out", file)).stderr
    assert (result.stdout, result.code, file.read_text()) == ("", 2, "cats")
    result = train(good, "--out", file / "run")
    assert (result.stdout, result.stderr, result.code) == (
        "", f"boxable: cannot write {file / 'run'}: Not a directory\n", 1
    )  # fmt: skip
    result = train(good, "--out", good)
    assert (result.stdout, result.code) == ("", 2)
    assert "expected a folder for the run outside of its data" in result.stderr
    assert not (good / "run.json").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_told(train: Train, good: Path, tmp_path: Path) -> None:
    closed = empty(tmp_path / "closed")
    closed.chmod(0o500)
    result = train(good, "--out", closed / "run")
    assert (result.stdout, result.code) == ("", 1)
    assert result.stderr == f"boxable: cannot write {closed / 'run'}: Permission denied\n"


def test_files_of_others_in_the_folder_stay_when_nothing_comes_of_a_run(train: Train, out: Path) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert train(out / "nowhere", "--out", out).code == 2
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_two_runs_do_not_share_a_folder(train: Train, good: Path, out: Path) -> None:
    with open_run_folder(out):
        result = train(good, "--out", out)
    assert (result.stdout, result.code) == ("", 2)
    assert "another run is writing there" in result.stderr


def two_stage_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(ARCHITECTURES, "two_stages", two_stages)
    initialized(two_stages(1), ClassList.from_mids([(CAT, "")]), "two", seed=0).save(folder)
    return folder


def test_a_model_that_cannot_be_trained_is_refused(
    refused: Callable[..., str], train: Train, good: Path, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "unknown model 'ssd99': did you mean ssd23?" in refused(good, "--from", "ssd99")
    assert "unknown model ''" in refused(good, "--from", "")
    assert "expected a model's name or a file that Boxable wrote" in refused(good, "--from", good)
    two = two_stage_model(tmp_path / "two.safetensors", monkeypatch)
    assert "two_stages cannot be trained; expected a single-stage detector" in refused(good, "--from", two)
    for name in ("bad.onnx", "bad.safetensors"):
        (tmp_path / name).write_bytes(bytes(100))
        result = train(good, "--out", out, "--from", tmp_path / name)
        (line,) = result.stderr.splitlines()
        assert (result.stdout, result.code) == ("", 1)
        assert f"{tmp_path / name}: not a readable" in line
        assert not out.exists()


def test_a_file_of_boxable_is_a_start_like_its_model(train: Train, good: Path, tmp_path: Path) -> None:
    (tmp_path / "ssd23.onnx").write_bytes(open_model("ssd23").onnx("detector", "fp32"))

    def trained(start: object) -> Model:
        out = tmp_path / f"from-{Path(str(start)).name}"
        assert train(good, "--out", out, "--from", start, "--steps", "1").code == 0
        return open_model(str(out)).model()

    by_name, by_file = trained("ssd23"), trained(tmp_path / "ssd23.onnx")
    assert {name: values.tobytes() for name, values in by_name.weights.items()} == {
        name: values.tobytes() for name, values in by_file.weights.items()
    }


OPTIONS = [
    ("--minutes 1", "expected minutes or steps, got both"),
    ("--batch-size 1 --accumulate 2", "batch_size: expected at least 2"),
    ("--keep --train all", "keep trains only new columns"),
    ("--keep --recipe original", "keep trains only new columns"),
    ("--keep --from random", "keep trains only new columns"),
    ("--keep", "--keep adds new classes to a model, but it has all of the set already (Cat, Dog)"),
    ("--eql --recipe original", "eql reweights the classification loss of the default recipe"),
    ("--name ssd23", "ssd23 is the name of a published network"),
    ("--name ../elsewhere", "cannot be the name of a model"),
    ("--log nonsense", "log: expected mlflow, trackio or wandb, got 'nonsense'"),
    ("--log=", "log: expected mlflow, trackio or wandb, got ''"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_options_that_do_not_go_together_are_refused(
    refused: Callable[..., str], good: Path, options: str, message: str
) -> None:
    assert message in refused(good, *options.split())


@pytest.mark.parametrize("minutes", ["nan", "inf"])
def test_minutes_are_a_number(invoke: Invoke, good: Path, out: Path, minutes: str) -> None:
    result = invoke("train", good, "--out", out, "--minutes", minutes)
    assert (result.stdout, result.code) == ("", 2)
    assert f"minutes: expected a number above 0, got {minutes}" in result.stderr
    assert not out.exists()
