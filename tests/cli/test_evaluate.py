"""`boxable evaluate` with a file of predictions: what it prints, what it writes and how it ends."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import filelock
import pytest
from PIL import Image

from boxable.vocabulary import open_images
from tests.cli.conftest import Invoke
from tests.conftest import Command
from tests.formats.test_reading import coco
from tests.formats.test_tables import write

CAT, DOG = "/m/01yrx", "/m/0bt9lr"

TRUTH_NAMES = ["ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf"]
FOUND_NAMES = ["ImageID", "LabelName", "Score", "XMin", "XMax", "YMin", "YMax"]
# One cat is found, the other is not (a wrong one is, with a lower score); a box of many dogs is found.
TRUTH: list[tuple[Any, ...]] = [
    ("a", CAT, 0, 0.5, 0, 0.5, 0), ("b", CAT, 0.5, 1, 0.5, 1, 0), ("b", DOG, 0, 1, 0, 1, 1),
]  # fmt: skip
FOUND: list[tuple[Any, ...]] = [
    ("a", CAT, 0.9, 0, 0.5, 0, 0.5), ("b", CAT, 0.8, 0, 0.5, 0, 0.5), ("b", DOG, 0.7, 0.125, 0.25, 0.125, 0.25),
]  # fmt: skip
CLASSES = [(CAT, "Cat"), (DOG, "Dog")]


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    write(folder / "annotations-bbox.csv", TRUTH_NAMES, TRUTH)
    write(folder / "classes.csv", ["LabelName", "DisplayName"], CLASSES)
    write(folder / "images.csv", ["ImageID", "Width", "Height"], [("a", 64, 64), ("b", 64, 64)])
    return folder


@pytest.fixture
def found(tmp_path: Path) -> Path:
    return write(tmp_path / "found.csv", FOUND_NAMES, FOUND)


def metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_bytes())
    return content


def test_the_mean_ap_its_switches_and_the_classes_are_printed(truth: Path, found: Path, invoke: Invoke) -> None:
    result = invoke("evaluate", truth, found)
    assert (result.stderr, result.code) == ("", 0)
    assert result.lines[0].startswith("mAP 0.3000  [")
    assert result.lines[0].endswith("]  Open Images Challenge, 5 classes, 2 images")
    assert result.lines[1].strip() == (
        "IoU 0.5, group-of weight 1, only verified classes of an image, expanded ground truth"
    )
    rows = [line.split() for line in result.lines[-5:]]
    assert [[*row[:2], *row[-2:]] for row in rows[:3]] == [
        ["Dog", "1.0000", "1", "1"], ["Cat", "0.5000", "2", "2"], ["Animal", "0.0000", "3", "0"],
    ]  # fmt: skip


def test_out_holds_the_figures_and_the_table(truth: Path, found: Path, invoke: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    assert invoke("evaluate", truth, found, "--no-expand", "--strict", "--out", out).code == 0
    content = metrics(out)
    assert (content["protocol"], content["mAP"]) == ("challenge", 0.75)
    assert content["switches"]["expanded_ground_truth"] is False
    low, high = content["interval"]
    assert 0 <= low <= 0.75 <= high <= 1
    for mid, *expected in ((CAT, "Cat", 0.5, 2, 2), (DOG, "Dog", 1, 1, 1)):
        assert [content["classes"][mid][key] for key in ("name", "AP", "ground_truth", "detections")] == expected
    with (out / "per-class.csv").open(newline="", encoding="utf-8") as file:
        table = {row["LabelName"]: row for row in csv.DictReader(file)}
    assert set(table) == {CAT, DOG}
    assert (table[CAT]["DisplayName"], float(table[CAT]["AP"]), float(table[CAT]["GroundTruth"])) == ("Cat", 0.5, 2)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]


@pytest.mark.parametrize(
    ("options", "protocol", "weight", "expanded", "expected"),
    [
        ([], "challenge", 1, True, 0.3),
        (["--no-expand"], "challenge", 1, False, 0.75),
        (["--no-expand", "--group-of-weight", "0.5"], "challenge", 0.5, False, 0.75),
        (["--group-of-weight", "0.5"], "challenge", 0.5, True, 0.3),
        ([], "openimages-v2", 0, False, 0.5),
        (["--group-of-weight", "1", "--expand"], "openimages-v2", 1, True, 0.3),
        ([], "pascal", None, False, 0.25),
        (["--expand"], "pascal", None, True, 0.1),
        ([], "coco", 0, False, 51 / 101),
    ],
)
def test_protocols_and_switches_change_the_figure(
    truth: Path, found: Path, invoke: Invoke, tmp_path: Path, options: list[str], protocol: str, weight: float | None,
    expanded: bool, expected: float,
) -> None:  # fmt: skip
    result = invoke("evaluate", truth, found, "--protocol", protocol, *options, "--out", tmp_path / "out")
    assert result.code == 0
    content = metrics(tmp_path / "out")
    assert (content["protocol"], content["mAP"]) == (protocol, pytest.approx(expected, abs=1e-12))
    assert result.lines[0].startswith(f"mAP {expected:.4f}  ")
    switches = content["switches"]
    assert (switches["group_of_weight"], switches["expanded_ground_truth"]) == (weight, expanded)
    assert ("expanded ground truth" in result.stdout) is expanded


@pytest.mark.parametrize("protocol", ["challenge", "openimages-v2", "pascal", "coco"])
def test_the_figures_are_the_same_from_every_format(
    truth: Path, found: Path, invoke: Invoke, tmp_path: Path, protocol: str
) -> None:
    coco_truth, results = tmp_path / "truth.json", tmp_path / "results.json"
    coco_truth.write_text(json.dumps(coco(TRUTH)))
    results.write_text(json.dumps(coco([row[:2] + row[3:] for row in FOUND], [row[2] for row in FOUND])["annotations"]))
    packed = write(tmp_path / "found.csv.gz", FOUND_NAMES, FOUND)
    parquet = write(tmp_path / "found.parquet", FOUND_NAMES, FOUND)
    pairs = [(truth, found), (truth, packed), (truth, parquet), (coco_truth, results), (coco_truth, parquet)]
    contents = []
    for number, pair in enumerate(pairs):
        result = invoke("evaluate", *pair, "--protocol", protocol, "--resamples", 20, "--out", tmp_path / f"{number}")
        assert result.code == 0
        contents.append(metrics(tmp_path / f"{number}"))
    assert all(content == contents[0] for content in contents)


def test_the_best_and_the_worst_are_printed_and_with_classes_all(invoke: Invoke, tmp_path: Path) -> None:
    classes = open_images()[100:114]
    truth = write(tmp_path / "truth.csv", TRUTH_NAMES, [("a", item.mid, 0, 1, 0, 1, 0) for item in classes])
    found = write(tmp_path / "found.csv", FOUND_NAMES, [("a", item.mid, 0.5, 0, 1, 0, 1) for item in classes[:7]])
    short = invoke("evaluate", truth, found, "--protocol", "pascal").stdout
    whole = invoke("evaluate", truth, found, "--protocol", "pascal", "--all-classes").stdout
    assert [text.count("…") for text in (short, whole)] == [1, 0]
    assert [sum(f"\n{item.name} " in text for item in classes) for text in (short, whole)] == [10, 14]
    assert short.splitlines()[0] == whole.splitlines()[0]


@pytest.mark.parametrize(
    ("selection", "counted", "mean"),
    [
        (["--classes", "Cat"], {"Cat"}, 0.5),
        (["--classes", "Animal,-Cat"], {"Dog", "Animal", "Carnivore", "Mammal"}, 0.25),
        (["--classes", "-Cat"], {"Dog", "Animal", "Carnivore", "Mammal"}, 0.25),
        (["--classes=-Cat"], {"Dog", "Animal", "Carnivore", "Mammal"}, 0.25),
        (["--classes", "Violin"], set(), None),
    ],
)
def test_a_selection_counts_only_these(
    truth: Path, found: Path, invoke: Invoke, tmp_path: Path, selection: list[str], counted: set[str],
    mean: float | None,
) -> None:  # fmt: skip
    result = invoke("evaluate", truth, found, "--out", tmp_path / "out", *selection)
    assert result.code == 0, result.stderr
    content = metrics(tmp_path / "out")
    scored = {row["name"] for row in content["classes"].values() if row["AP"] is not None}
    assert (scored, content["mAP"]) == (counted, mean)
    assert "not counted" in result.stdout


def test_notes_say_on_stderr_what_was_left_out(truth: Path, command: Command, tmp_path: Path) -> None:
    odd = [("a", "/m/nothing", 0.9, 0, 1, 0, 1), ("z", CAT, 0.9, 0, 1, 0, 1), ("a", CAT, "nan", 0, 1, 0, 1)]
    found = write(tmp_path / "odd.csv", FOUND_NAMES, [*FOUND, *odd])
    result = command("evaluate", truth, found)
    assert result.returncode == 0
    assert result.stdout.startswith(b"mAP 0.3000")
    notes = result.stderr.decode().splitlines()
    assert len(notes) == 5
    assert notes[-1].startswith("boxable: note: 2 images with boxes: the 95 % intervals are too narrow")
    assert notes[-2].startswith(
        "boxable: note: 3 classes with boxes and without a prediction (Carnivore, Mammal, Animal): each counts with"
    )
    for words in ("unknown class (/m/nothing)", "images without ground truth (z)", "score that is no number (a)"):
        (line,) = [line for line in notes if words in line]
        assert line.startswith("boxable: note: 1 prediction ")
        assert line.endswith(": dropped")


def test_strict_makes_flaws_one_error_and_writes_nothing(truth: Path, invoke: Invoke, tmp_path: Path) -> None:
    odd = [("a", "/m/nothing", 0.9, 0, 1, 0, 1), ("z", CAT, 0.9, 0, 1, 0, 1)]
    found = write(tmp_path / "odd.csv", FOUND_NAMES, [*FOUND, *odd])
    result = invoke("evaluate", truth, found, "--strict", "--out", tmp_path / "out")
    assert (result.stdout, result.code) == ("", 2)
    (line,) = result.stderr.splitlines()
    assert line.startswith("boxable: strict: 1 prediction of an unknown class (/m/nothing): dropped; 1 ")
    assert not (tmp_path / "out").exists()


def test_strict_refuses_what_a_reader_drops_too(invoke: Invoke, tmp_path: Path) -> None:
    image, cat = {"id": 1, "file_name": "a.jpg", "width": 8, "height": 8}, {"id": 1, "name": "cat"}
    boxless = {"id": 1, "image_id": 1, "category_id": 1, "score": 0.5}
    boxed = {**boxless, "id": 2, "bbox": [0, 0, 4, 4]}
    for name, items in (("sound.json", [boxed]), ("flawed.json", [boxed, boxless])):
        (tmp_path / name).write_text(json.dumps({"images": [image], "annotations": items, "categories": [cat]}))
    sound, flawed = tmp_path / "sound.json", tmp_path / "flawed.json"
    for arguments in ((sound, flawed), (flawed, sound)):
        result = invoke("evaluate", *arguments, "--strict", "--resamples", 0)
        assert (result.code, result.stderr.count("without a box")) == (2, 1)


def test_the_draws_are_repeatable_and_may_be_left_out(truth: Path, found: Path, invoke: Invoke) -> None:
    runs = [invoke("evaluate", truth, found, "--resamples", 30, "--seed", seed).stdout for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert "seed 1" in runs[0]
    assert "30 bootstrap draws" in runs[2]
    without = invoke("evaluate", truth, found, "--resamples", 0).stdout
    assert "[" not in without
    for text, reason in ((runs[0], "one image only"), (without, "none")):
        (dog,) = [line for line in text.splitlines() if line.startswith("Dog ")]
        assert f"  {reason}  " in dog


@pytest.mark.parametrize("protocol", ["challenge", "coco"])
@pytest.mark.parametrize(("boxes", "figure"), [(TRUTH, "mAP 0.0000"), ([], "mAP   none")])
def test_nothing_found_is_nothing_and_nothing_to_find_is_no_figure(
    invoke: Invoke, tmp_path: Path, protocol: str, boxes: Any, figure: str
) -> None:
    truth = write(tmp_path / "truth.csv", TRUTH_NAMES, boxes)
    found = write(tmp_path / "found.csv", FOUND_NAMES, [])
    result = invoke("evaluate", truth, found, "--protocol", protocol, "--out", tmp_path / "out")
    assert result.code == 0
    assert result.lines[0].startswith(figure)
    assert metrics(tmp_path / "out")["mAP"] == (0 if boxes else None)


def test_the_library_of_coco_prints_nothing_of_its_own(truth: Path, found: Path, command: Command) -> None:
    done = command("evaluate", truth, found, "--protocol", "coco")
    assert (done.returncode, done.stderr, done.stdout[:16]) == (0, b"", b"mAP 0.5050  COCO")


WRONG: dict[str, tuple[list[object], int, str]] = {
    "no predictions": (["set"], 2, "Missing argument 'PREDICTIONS_OR_MODEL'"),
    "no such ground truth": (["none", "found.csv"], 2, "none: no such file or folder"),
    "ground truth of another kind": (["found.txt", "found.csv"], 2, "found.txt: a file of no known format; expected"),
    "no such predictions": (["set", "none.csv"], 2, "none.csv: no such file"),
    "predictions without scores": (["set", "set/annotations-bbox.csv"], 2, "no column Score; it has ImageID"),
    "predictions that are a folder": (["set", "folder.csv"], 2, "'folder.csv' is taken as a model"),
    "predictions that are text": (["set", "found.txt"], 2, "'found.txt' is taken as a model, which needs images"),
    "results without COCO ground truth": (["set", "results.json"], 2, "names images by number"),
    "a model without pictures": (["set", "ssd23"], 2, "give --images DIR"),
    "no such pictures": (["set", "ssd23", "--images", "none"], 2, "none: no such folder"),
    "no such pictures for a file": (["set", "found.csv", "--images", "none"], 2, "none: no such folder"),
    "no picture of the set": (["set", "ssd23", "--images", "out"], 2, "named by image id such as a.jpg"),
    "no such model": (["set", "nope", "--images", "pictures"], 2, "unknown model 'nope'"),
    "a weight for pascal": (["set", "found.csv", "--protocol", "pascal", "--group-of-weight", 1], 2, "group-of"),
    "a weight that is no number": (["set", "found.csv", "--group-of-weight", "nan"], 2, "nan"),
    "unknown class": (["set", "found.csv", "--classes", "Kat"], 2, "unknown class 'Kat': did you mean"),
    "out below a file": (["set", "found.csv", "--out", "found.csv/out"], 1, "cannot write found.csv/out"),
    "unknown class to show": (["set", "found.csv", "--show", "Kat"], 2, "unknown class 'Kat': did you mean"),
    "out is the ground truth": (["set", "found.csv", "--out", "set"], 2, "must not share a folder"),
    "out is the ground truth otherwise called": (["set", "found.csv", "--out", "pictures/../set"], 2, "not share"),
    "no prediction of the set": (["set", "elsewhere.csv"], 2, "no prediction can be used: 1 prediction for images"),
    "metrics.json is a folder": (["set", "found.csv", "--out", "out"], 1, "cannot write out/metrics.json"),
}  # fmt: skip


@pytest.mark.usefixtures("truth", "found", "ssd23_weights")
@pytest.mark.parametrize(("arguments", "code", "says"), WRONG.values(), ids=WRONG)
def test_what_went_wrong_is_one_line_on_stderr_and_nothing_is_half_written(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[object], code: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("out/metrics.json", "folder.csv", "pictures"):
        Path(name).mkdir(parents=True)
    Path("pictures/a.jpg").write_bytes(b"")
    Path("found.txt").write_text("a\n")
    Path("results.json").write_text("[]")
    write(Path("elsewhere.csv"), FOUND_NAMES, [("z", CAT, 0.9, 0, 1, 0, 1)])
    of_the_set = sorted(Path("set").iterdir())
    result = invoke("evaluate", *arguments)
    assert (result.stdout, result.code) == ("", code)
    (line,) = result.stderr.splitlines()
    assert line.startswith("boxable: ")
    assert says in line
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]
    assert not Path("out/report.html").exists()
    assert sorted(Path("set").iterdir()) == of_the_set


def test_one_run_at_a_time_writes_into_a_folder(truth: Path, found: Path, invoke: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with filelock.FileLock(out / ".lock"):
        second = invoke("evaluate", truth, found, "--out", out)
        assert (second.stdout, second.code) == ("", 2)
        assert second.stderr == f"boxable: {out}: another run is writing there; wait for it, or give another folder\n"
        assert [path.name for path in out.iterdir()] == [".lock"]
        assert invoke("evaluate", truth, found, "--out", tmp_path / "other").code == 0
    assert invoke("evaluate", truth, found, "--out", out).code == 0
    names = {"report.html", "report.md", "metrics.json", "per-class.csv", "entries.npz", ".boxable-run"}
    assert {path.name for path in out.iterdir()} == names


def test_what_was_left_out_is_counted(truth: Path, invoke: Invoke, tmp_path: Path) -> None:
    rows = [*FOUND, ("a", DOG, 0.9, 0, 1, 0, 1), ("a", DOG, 0.8, 0, 1, 0, 0.5)]
    found = write(tmp_path / "more.csv", FOUND_NAMES, rows)
    result = invoke("evaluate", truth, found, "--out", tmp_path / "out")
    assert result.lines[0].startswith("mAP 0.3000")
    line = "    left out, neither right nor wrong: 2 predictions of classes not verified in their image"
    assert line in result.lines
    assert metrics(tmp_path / "out")["left_out"] == 2
    assert "left out" not in invoke("evaluate", truth, found, "--protocol", "openimages-v2").stdout


@pytest.mark.parametrize("show", ["", "best"])
def test_the_report_shows_photos_of_the_worst_classes_and_of_those_asked_for(
    invoke: Invoke, tmp_path: Path, show: str
) -> None:
    classes = open_images()[100:108]
    truth = tmp_path / "set"
    truth.mkdir()
    write(truth / "annotations-bbox.csv", TRUTH_NAMES, [("a", item.mid, 0, 1, 0, 1, 0) for item in classes])
    found = write(tmp_path / "found.csv", FOUND_NAMES, [("a", item.mid, 0.5, 0, 1, 0, 1) for item in classes[:2]])
    Image.new("RGB", (64, 64)).save(truth / "a.png")
    best, worst = classes[0].name, classes[7].name
    options = ["--show", f"{best},{worst}"] if show else []
    result = invoke("evaluate", truth, found, "--protocol", "pascal", "--out", tmp_path / "out", *options)
    assert (result.code, result.lines[0][:10]) == (0, "mAP 0.2500")  # whatever is shown, all count
    shown = re.findall(r'"why": ?"([^"]*)"', (tmp_path / "out" / "report.html").read_text())
    assert shown == (["chosen"] * 2 + ["lowest AP"] * 5 if show else ["lowest AP"] * 6)
