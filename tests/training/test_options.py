"""The arguments of a training run; those that the command checks itself are given by Python."""

from pathlib import Path
from typing import Any

import pytest

from boxable.errors import ArgumentError
from boxable.training.options import Options


def options(**more: Any) -> Options:
    return Options(Path("set"), **{"start": "ssd23", "out": Path("run"), **more})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"train": "tail"}, "train: expected one of head, neck, all, auto, got 'tail'"),
        ({"recipe": "best"}, "recipe: expected one of default, original, got 'best'"),
        ({"annotations": "some"}, "annotations: expected one of exhaustive, verified, got 'some'"),
        ({"minutes": 0}, "minutes: expected a number above 0, got 0"),
        ({"minutes": -1.5}, "minutes: expected a number above 0, got -1.5"),
        ({"minutes": float("nan")}, "minutes: expected a number above 0, got nan"),
        ({"steps": 0}, "steps: expected an integer from 1, got 0"),
        ({"steps": 1.5}, "steps: expected an integer from 1, got 1.5"),
        ({"batch_size": 0}, "batch_size: expected an integer from 1, got 0"),
        ({"accumulate": 0}, "accumulate: expected an integer from 1, got 0"),
        ({"seed": -1}, "seed: expected an integer from 0, got -1"),
        ({"workers": -1}, "workers: expected an integer from 0, got -1"),
        ({"minutes": 1, "steps": 1}, "expected minutes or steps, got both"),
        ({"keep": True, "train": "neck"}, "keep trains only new columns"),
        ({"keep": True, "start": "random"}, "keep trains only new columns"),
        ({"eql": True, "recipe": "original"}, "eql reweights the classification loss of the default recipe"),
        ({"name": "a//b"}, "cannot be the name of a model"),
        ({"name": "ssd23"}, "ssd23 is the name of a published network"),
        ({"out": Path("set/../set")}, "expected a folder for the run outside of its data"),
        ({"out": Path("set/runs/1")}, "expected a folder for the run outside of its data"),
        ({"out": Path("val/run"), "val": Path("val")}, "expected a folder for the run outside of its data"),
    ],
)
def test_what_cannot_be_used_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        options(**more)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "more",
    [
        {"steps": 1}, {"minutes": 0.1}, {"seed": 0, "workers": 0, "accumulate": 1, "batch_size": 1},
        {"keep": True, "train": "head"}, {"keep": True}, {"eql": True}, {"name": "mine/cats"},
        {"start": "random", "recipe": "original", "train": "all"},
    ],
)  # fmt: skip
def test_what_goes_together_is_taken(more: dict[str, Any]) -> None:
    assert vars_of(options(**more)).items() >= more.items()


def vars_of(found: Options) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Options.__dataclass_fields__}


def test_what_decides_about_the_result_is_plain_and_does_not_depend_on_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert options(steps=5, name="mine", workers=3, resume=True, log="wandb", val=Path("val")).result_arguments() == {
        "data": str(tmp_path / "set"), "start": "ssd23", "val": str(tmp_path / "val"), "train": "auto", "keep": False,
        "recipe": "default", "annotations": None, "minutes": None, "steps": 5, "batch_size": None, "accumulate": 1,
        "eql": False, "seed": 0,
    }  # fmt: skip
    assert options().result_arguments()["val"] is None
