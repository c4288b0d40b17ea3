"""`boxable compare`: two runs of `boxable evaluate`."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from boxable.evaluation.evaluate_files import evaluate
from tests.cli.conftest import Invoke
from tests.cli.test_evaluate import CAT, DOG, FOUND, FOUND_NAMES, TRUTH, TRUTH_NAMES
from tests.conftest import Command
from tests.formats.test_tables import write

BETTER = [*FOUND, ("b", CAT, 0.85, 0.5, 1, 0.5, 1)]
WORSE = FOUND[:2]  # without the dog


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three runs on the same ground truth."""
    folder = tmp_path_factory.mktemp("runs")
    write(folder / "truth.csv", TRUTH_NAMES, TRUTH)
    for name, rows in (("plain", FOUND), ("better", BETTER), ("worse", WORSE)):
        write(folder / f"{name}.csv", FOUND_NAMES, rows)
        run(folder, name)
    return folder


@pytest.fixture
def runs(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the current folder."""
    monkeypatch.chdir(made)
    return made


def run(folder: Path, name: str, *, out: str = "", truth: str = "truth.csv", **options: Any) -> None:
    options = {"expand": False, "resamples": 5, **options}
    evaluate(folder / truth, folder / f"{name}.csv", out=folder / (out or name), **options)


def compared(invoke: Invoke, *arguments: object) -> Any:
    result = invoke("compare", *arguments, "--format", "json")
    assert (result.stderr, result.code) == ("", 0)
    return json.loads(result.stdout)


@pytest.mark.usefixtures("runs")
def test_a_table_has_the_mean_first_and_then_the_greatest_loss(invoke: Invoke) -> None:
    result = invoke("compare", "better", "worse", "--resamples", 50)
    assert (result.stderr, result.code) == ("", 0)
    assert result.lines[0] == "challenge, 2 images"
    head, *rows = [line.partition("[")[0].split() for line in result.lines[1:]]
    assert head == ["better", "worse", "change", "95", "%"]
    assert rows == [
        ["mean", "AP", "of", "2", "classes", "1.0000", "0.2500", "-0.7500"],
        ["Dog", "1.0000", "0.0000", "-1.0000"],
        ["Cat", "1.0000", "0.5000", "-0.5000"],
    ]


@pytest.mark.usefixtures("runs")
def test_json_has_every_difference_with_its_interval(invoke: Invoke) -> None:
    content = compared(invoke, "plain", "better", "--resamples", 50)
    assert content["measured"] == "challenge, 2 images"
    mean = content["mAP"]
    assert (mean["name"], mean["first"], mean["second"], mean["change"]) == ("mean AP of 2 classes", 0.75, 1, 0.25)
    low, high = mean["interval"]
    assert -1 <= low <= 0.25 <= high <= 1
    # The cats are in two images, the dogs in one alone.
    assert [row["interval"] is None for row in content["classes"]] == [True, False]
    assert [(row["mid"], row["name"], row["change"]) for row in content["classes"]] == [
        (DOG, "Dog", 0), (CAT, "Cat", 0.5),
    ]  # fmt: skip
    assert content["left_out"] == []


@pytest.mark.usefixtures("runs")
def test_a_run_does_not_differ_from_itself(invoke: Invoke) -> None:
    content = compared(invoke, "plain", "plain")
    intervals = {row["name"]: row["interval"] for row in (content["mAP"], *content["classes"])}
    assert intervals == {"mean AP of 2 classes": [0, 0], "Cat": [0, 0], "Dog": None}
    assert [row["change"] for row in (content["mAP"], *content["classes"])] == [0] * 3


@pytest.mark.usefixtures("runs")
def test_the_other_way_round_changes_the_sign_alone(invoke: Invoke) -> None:
    there, back = compared(invoke, "plain", "better"), compared(invoke, "better", "plain")
    low, high = there["mAP"]["interval"]
    assert back["mAP"]["interval"] == [-high, -low]
    assert back["mAP"]["change"] == -there["mAP"]["change"]


@pytest.mark.usefixtures("runs")
def test_draws_are_repeatable_and_may_be_left_out(invoke: Invoke) -> None:
    results = [invoke("compare", "plain", "better", "--seed", seed, "--resamples", 9).stdout for seed in (1, 1)]
    assert results[0] == results[1]
    assert "[" in results[0]
    without = invoke("compare", "plain", "better", "--resamples", 0)
    assert ("[" in without.stdout, without.code) == (False, 0)
    assert compared(invoke, "plain", "better", "--resamples", 0)["mAP"]["interval"] is None


def test_classes_that_one_run_only_counts_are_named_and_left_out(runs: Path, invoke: Invoke) -> None:
    run(runs, "plain", classes="Cat", out="cats")
    result = invoke("compare", "better", "cats")
    assert result.code == 0
    assert result.lines[-1] == "counted by one run only: Dog"
    assert [row["name"] for row in compared(invoke, "better", "cats")["classes"]] == ["Cat"]


def test_runs_by_coco_are_compared_without_intervals(runs: Path, invoke: Invoke) -> None:
    for name in ("plain", "better"):
        run(runs, name, protocol="coco", out=f"coco-{name}")
    mean = compared(invoke, "coco-plain", "coco-better")["mAP"]
    assert mean["interval"] is None
    assert mean["change"] > 0


@pytest.fixture(scope="module")
def broken(made: Path) -> None:
    """Folders that are no runs, each named by what makes it so."""
    folder = made
    (folder / "empty").mkdir()
    entries = (folder / "plain" / "entries.npz").read_bytes()
    for name, file, data in (
        ("no entries", "entries.npz", None),
        ("cut", "entries.npz", entries[: len(entries) // 2]),
        ("flipped", "entries.npz", entries[:200] + bytes([entries[200] ^ 255]) + entries[201:]),
        ("text", "entries.npz", b"text"),
        ("void", "entries.npz", b""),
        ("no metrics", "metrics.json", None),
        ("cut json", "metrics.json", b'{"protocol": "chal'),
        ("list", "metrics.json", b"[]"),
        ("other", "metrics.json", b"{}"),
    ):
        shutil.copytree(folder / "plain", folder / name)
        (folder / name / file).unlink()
        if data is not None:
            (folder / name / file).write_bytes(data)


BROKEN = ("empty", "no entries", "cut", "flipped", "text", "void", "no metrics", "cut json", "list", "other")


@pytest.mark.usefixtures("runs", "broken")
@pytest.mark.parametrize("name", BROKEN)
def test_a_folder_without_a_run_is_one_line_that_names_it(invoke: Invoke, name: str) -> None:
    for pair in (("plain", name), (name, "plain")):
        result = invoke("compare", *pair)
        assert (result.stdout, result.code) == ("", 2)
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"boxable: {name}: metrics.json or entries.npz is missing or damaged; ")
        assert "boxable evaluate --out" in line


@pytest.mark.parametrize(
    ("options", "rows", "says"),
    [
        ({"protocol": "pascal"}, TRUTH, "protocol: challenge and pascal"),
        ({"group_of_weight": 0.0}, TRUTH, "group_of_weight: 1.0 and 0.0"),
        ({"expand": True}, TRUTH, "expanded_ground_truth: False and True"),
        ({}, [*TRUTH, ("c", CAT, 0, 1, 0, 1, 0)], "number of images: 2 and 3"),
        ({}, [*TRUTH, ("b", CAT, 0, 1, 0, 1, 0)], "number of ground-truth boxes: 3 and 4"),
        ({}, [("a", CAT, 0, 0.5, 0, 0.5, 0), *TRUTH[2:], ("z", CAT, 0, 1, 0, 1, 0)], "number of images"),
        ({}, [("a", DOG, 0, 0.5, 0, 0.5, 0), *TRUTH[1:]], "different ground truth"),
        ({}, [("A", *TRUTH[0][1:]), *TRUTH[1:]], "different ground truth"),
        ({}, [("a", CAT, 0.25, 0.75, 0, 0.5, 0), *TRUTH[1:]], "different ground truth"),
    ],
)
def test_runs_that_measure_another_thing_are_not_compared(
    runs: Path, invoke: Invoke, options: dict[str, Any], rows: list[Any], says: str
) -> None:
    write(runs / "other.csv", TRUTH_NAMES, rows)
    run(runs, "plain", **options, out="second", truth="other.csv")
    result = invoke("compare", "plain", "second")
    assert (result.stdout, result.code) == ("", 2)
    (line,) = result.stderr.splitlines()
    assert line.startswith("boxable: plain and second ")
    assert says in line


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["plain"], "Missing argument 'B'"),
        (["plain", "none"], "'none' does not exist"),
        (["plain", "plain.csv"], "'plain.csv' is a file"),
        (["plain", "plain", "--format", "xml"], "'xml' is not one of"),
        (["plain", "plain", "--resamples", "-1"], "-1 is not in the range"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(invoke: Invoke, arguments: list[str], says: str) -> None:
    result = invoke("compare", *arguments)
    assert (result.stdout, result.code) == ("", 2)
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_process_of_its_own_prints_the_same(runs: Path, command: Command, invoke: Invoke) -> None:
    done = command("compare", "plain", "better", cwd=runs)
    assert (done.stderr, done.returncode) == (b"", 0)
    assert done.stdout.decode() == invoke("compare", "plain", "better").stdout
