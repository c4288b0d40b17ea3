"""A whole benchmark, with a round or two."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import boxable
from boxable.bench.candidate import STAGES
from boxable.bench.measure import measure
from boxable.bench.rounds import run_rounds
from boxable.errors import ArgumentError
from boxable.settings import home
from tests.conftest import EXAMPLES

CAT = EXAMPLES / "chelsea.png"
CPU = ["onnxruntime"]

pytestmark = pytest.mark.usefixtures("ssd23_weights")


def test_a_model_is_measured_by_stage_end_to_end_and_in_a_folder() -> None:
    measured = measure("ssd23", runtimes=CPU, places=[CAT], threads=1, peers=[], rounds=2)
    (result,) = measured.results
    assert result.name == "onnxruntime fp32"
    assert set(result.latency) == {*STAGES, "end to end"}
    assert all(0 < latency.p50 <= latency.p90 and latency.calls == 2 for latency in result.latency.values())
    assert result.images_per_second is not None
    assert result.images_per_second > 1
    # The network is most of a call, and a call hardly less than it.
    assert result.latency["end to end"].p90 > result.latency["network"].p50 / 2
    assert (measured.threads, measured.stopped, measured.left_out) == (1, False, {})
    assert measured.machine["cores"]
    assert measured.versions["boxable"] == boxable.__version__


def test_pairs_that_cannot_run_are_left_out_with_the_reason() -> None:
    measured = measure("ssd23", runtimes=CPU, places=[CAT], precisions=["fp32", "bf16"], peers=[], rounds=1)
    assert [result.name for result in measured.results] == ["onnxruntime fp32"]
    assert "expected runtime='openvino'" in measured.left_out["onnxruntime bf16"]


def test_where_nothing_can_run_the_reason_is_the_error() -> None:
    with pytest.raises(ArgumentError, match="expected runtime='openvino'"):
        measure("ssd23", runtimes=CPU, precisions=["bf16"], peers=[])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"runtimes": ["onxruntime"]}, "runtime: expected one or more of .* got 'onxruntime'"),
        ({"precisions": ["fp32", "int4"]}, "precision: expected one or more of .* got 'int4'"),
        ({"peers": ["litert", "caffe"]}, "peers: expected .*, got 'caffe'"),
        ({"model": "ssd24"}, "ssd24"),
    ],
)
def test_names_that_do_not_exist_are_errors(options: dict[str, object], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        measure(**{"model": "ssd23", **options})


def test_data_that_cannot_be_read_is_an_error_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(boxable.BoxableError, match=str(tmp_path)):
        measure("ssd23", runtimes=CPU, data=tmp_path, rounds=10**6)


def test_accuracy_is_that_of_an_evaluation() -> None:
    (result,) = measure("ssd23", runtimes=CPU, data=EXAMPLES, peers=[], rounds=1).results
    expected = boxable.evaluate(EXAMPLES, "ssd23")
    assert result.accuracy is not None
    assert (result.accuracy.mean_ap, result.accuracy.interval) == (expected.mean_ap, expected.interval)
    assert result.accuracy.images == 3


def test_accuracy_that_cannot_be_had_costs_no_figures(tmp_path: Path) -> None:
    for table in EXAMPLES.glob("*.csv"):
        shutil.copy(table, tmp_path)
    shutil.copy(CAT, tmp_path / "another.png")
    measured = measure("ssd23", runtimes=CPU, places=[CAT], data=tmp_path, peers=[], rounds=1)
    assert measured.results[0].accuracy is None
    left_out = measured.left_out["accuracy of onnxruntime fp32"]
    assert left_out.startswith(f"a model needs images: there are none of {tmp_path}; give --images DIR, named by")


def test_saved_speeds_are_what_auto_and_fastest_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "home"
    own.mkdir()
    (own / "models").symlink_to(home() / "models")
    monkeypatch.setenv("BOXABLE_HOME", str(own))
    with caplog.at_level("INFO", logger="boxable"):
        measured = measure(
            "ssd23", runtimes=CPU, precisions=["fp32", "int8"], places=[CAT], threads=1, peers=[], rounds=1, save=True
        )
    (file,) = (own / "fastest").iterdir()
    assert f"saved the speeds in {file}" in caplog.text
    saved = {(name, precision): seconds for name, precision, seconds in json.loads(file.read_text())["seconds"]}
    assert set(saved) == {("onnxruntime", "fp32"), ("onnxruntime", "int8")}
    for result in measured.results:
        assert saved[tuple(result.name.split())] * 1000 == pytest.approx(result.latency["end to end"].p50)
    fastest = min(saved, key=lambda choice: saved[choice])
    found = boxable.load("ssd23", runtime="onnxruntime", precision="fastest", threads=1)
    assert (found.runtime, found.precision) == fastest


def test_a_benchmark_that_is_stopped_saves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped_later(*arguments: Any) -> None:
        run_rounds(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr("boxable.bench.measure.run_rounds", stopped_later)
    monkeypatch.setattr("boxable.runtimes.choice.home", lambda: tmp_path)
    measured = measure("ssd23", runtimes=CPU, places=[CAT], threads=1, peers=[], rounds=1, save=True)
    assert measured.stopped
    assert measured.results
    assert not list(tmp_path.iterdir())
