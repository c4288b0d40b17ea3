"""Which runtimes and precisions there are."""

from typing import get_args

import click
import pytest

import boxable
from boxable.cli.detect import detect
from boxable.errors import ArgumentError
from boxable.runtimes import PrecisionChoice, RuntimeChoice


def names(alias: object) -> set[str]:
    return {value for part in get_args(alias) for value in get_args(part)}


@pytest.mark.parametrize(("option", "alias"), [("precision", PrecisionChoice), ("runtime", RuntimeChoice)])
def test_the_command_offers_what_load_takes(option: str, alias: object) -> None:
    found = next(item for item in detect.params if item.name == option)
    assert isinstance(found.type, click.Choice)
    assert set(found.type.choices) == names(alias)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"precision": "int4"}, "precision: expected one of fp32, fp16, bf16, int8, fastest, got 'int4'"),
        ({"precision": "int4", "runtime": "auto"}, "precision: .* got 'int4'"),
        ({"precision": "bf16"}, "precision='bf16': expected runtime='openvino', got 'onnxruntime'"),
        ({"runtime": "tensorrt"}, "runtime: expected one of onnxruntime, openvino, .*, auto, got 'tensorrt'"),
        (
            {"runtime": "directml"},
            "expected an ONNX Runtime with DmlExecutionProvider, got one with .*CPUExecutionProvider",
        ),
    ],
)
def test_what_does_not_exist_or_is_not_here_is_an_error(
    detector: boxable.Detector, options: dict[str, str], says: str
) -> None:
    with pytest.raises(ArgumentError, match=says):
        boxable.load("ssd23", **options)
