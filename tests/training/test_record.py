"""run.json."""

import json
from pathlib import Path
from typing import Any

import pytest

import boxable
from boxable.errors import ArgumentError
from boxable.training.options import Options
from boxable.training.plan import Phase, Plan
from boxable.training.record import RunRecord, read_record

PLAN = Plan((Phase("head", 40, 4, 8), Phase("all", 50, 5)), 32)


def record_of(options: Options) -> RunRecord:
    return RunRecord(options.result_arguments(), ["/m/01yrx", "user/ü"], "0123", 0.25, PLAN)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    options = Options(tmp_path / "set", "ssd23", tmp_path / "run", minutes=2.5, val=tmp_path / "val")
    assert read_record(tmp_path) is None
    record_of(options).write(tmp_path)
    found = read_record(tmp_path)
    assert found == record_of(options)
    assert found is not None
    found.require_same(options.result_arguments(), "0123", tmp_path)
    assert json.loads((tmp_path / "run.json").read_text("utf-8"))["version"] == boxable.__version__
    assert "user/ü" in (tmp_path / "run.json").read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"data": Path("/other")}, "--data .*/set, got /other"), ({"val": Path("/v")}, "--val left out, got /v"),
        ({"start": "ssd601"}, "--from ssd23, got ssd601"), ({"train": "head"}, "--train auto, got head"),
        ({"keep": True}, "--keep False, got True"), ({"recipe": "original"}, "--recipe default, got original"),
        ({"annotations": "verified"}, "--annotations left out, got verified"),
        ({"minutes": 3}, "--minutes left out, got 3"), ({"steps": 3}, "--steps left out, got 3"),
        ({"batch_size": 3}, "--batch-size left out, got 3"), ({"accumulate": 3}, "--accumulate 1, got 3"),
        ({"eql": True}, "--eql False, got True"), ({"seed": 3}, "--seed 0, got 3"),
    ],
)  # fmt: skip
def test_a_run_is_resumed_with_the_arguments_that_decide(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"data": tmp_path / "set", "start": "ssd23", "out": tmp_path / "run"}
    record_of(Options(**given)).write(tmp_path)
    found = read_record(tmp_path)
    assert found is not None
    with pytest.raises(
        ArgumentError, match=f"its run was started with {told}; resume it with the same options, or take another --out"
    ):
        found.require_same(Options(**{**given, **change}).result_arguments(), "0123", tmp_path)


def test_others_may_change(tmp_path: Path) -> None:
    given: dict[str, Any] = {"data": tmp_path / "set", "start": "ssd23", "out": tmp_path / "run"}
    others = {"out": tmp_path / "moved", "name": "mine", "workers": 3, "resume": True, "log": "mlflow"}
    record_of(Options(**given)).require_same(Options(**{**given, **others}).result_arguments(), "0123", tmp_path)


def test_other_data_are_refused(tmp_path: Path) -> None:
    options = Options(tmp_path / "set", "ssd23", tmp_path / "run")
    with pytest.raises(
        ArgumentError, match="its data or starting model have changed since it began; take another --out"
    ):
        record_of(options).require_same(options.result_arguments(), "3210", tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"arguments": {}', b"\xff", b'{"arguments": {}, "plan": 1}'])
def test_a_damaged_one_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(
        ArgumentError, match=f"^{tmp_path}/run.json: damaged, or of another version; take another --out"
    ):
        read_record(tmp_path)


def test_a_plan_of_another_version_is_told(tmp_path: Path) -> None:
    record_of(Options(tmp_path / "set", None, tmp_path / "run")).write(tmp_path)
    content = json.loads((tmp_path / "run.json").read_text())
    content["plan"]["phases"][0]["tempo"] = 3
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(ArgumentError, match="damaged, or of another version"):
        read_record(tmp_path)
