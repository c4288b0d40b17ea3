"""Which runtime and precision `auto` and `fastest` mean."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import boxable
from boxable.errors import ArgumentError
from boxable.networks.network import Network
from boxable.runtimes import RuntimeName, choice, precisions_of
from boxable.runtimes.choice import choices, save_choice
from boxable.runtimes.measured import LARGE, SPEEDS
from boxable.settings import ProcessorKind

CPU: list[RuntimeName] = ["onnxruntime", "openvino", "litert"]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """A machine with three runtimes on a processor with AMX, and a home of its own."""
    found: dict[str, Any] = {"runtimes": list(CPU), "kind": "AMX"}
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path))
    monkeypatch.setattr(choice, "available_runtimes", lambda: found["runtimes"])
    monkeypatch.setattr(choice, "precisions_available", choice.precisions_of)
    monkeypatch.setattr(choice, "processor_kind", lambda: found["kind"])
    return found


def of_size(macs: int | None) -> Network:
    """A network with so many multiply-adds."""
    network: Any = SimpleNamespace(macs=macs)
    return network


def order(
    runtime: Any = "auto",
    precision: Any = "fastest",
    *,
    calibrated: bool = True,
    threads: int = 2,
    macs: int | None = 1,
) -> list[str]:
    found = choices(
        runtime, precision, handle="some/model", threads=threads, calibrated=calibrated, network=of_size(macs)
    )
    return [" ".join(item) for item in found]


@pytest.mark.parametrize("kind", [kind for kind, speeds in SPEEDS.items() if speeds])
def test_what_was_measured_on_processors_of_this_kind_goes_first(machine: dict[str, Any], kind: ProcessorKind) -> None:
    machine["kind"] = kind
    found = order()
    measured = {" ".join(item): speed for item, speed in SPEEDS[kind].items()}
    assert set(found[: len(measured)]) == set(measured)
    assert sorted(found) == sorted(order_of_all())
    speeds = [measured[name] for name in found[: len(measured)]]
    assert speeds == sorted(speeds, reverse=True)


def test_a_large_network_goes_by_the_speeds_of_the_large_one(machine: dict[str, Any]) -> None:
    machine["kind"] = "AVX2"
    assert order(macs=LARGE - 1)[0] == "openvino int8"
    assert order(macs=LARGE)[0] == order(macs=None)[0] == "onnxruntime int8"


def order_of_all() -> list[str]:
    return [f"{name} {precision}" for name in CPU for precision in precisions_of(name)]


def test_what_was_not_measured_goes_in_float32_first(machine: dict[str, Any]) -> None:
    machine["kind"] = "other"
    assert order() == [
        "onnxruntime fp32", "litert fp32", "openvino fp32", "openvino bf16",
        "onnxruntime int8", "litert int8", "openvino int8",
    ]  # fmt: skip
    machine["kind"] = "AMX"
    assert order()[-1] == "litert int8"


def test_a_gpu_goes_before_the_cpu(machine: dict[str, Any]) -> None:
    machine["runtimes"] = ["onnxruntime", "cuda", "torch"]
    assert order()[:5] == ["torch fp16", "torch fp32", "cuda fp32", "cuda int8", "onnxruntime int8"]
    assert order(precision="fp32") == ["torch fp32", "cuda fp32", "onnxruntime fp32"]


def test_int8_is_for_calibrated_models() -> None:
    assert order(calibrated=False) == ["openvino bf16", "openvino fp32", "onnxruntime fp32", "litert fp32"]
    assert order(precision="int8", calibrated=False) == ["openvino int8", "onnxruntime int8", "litert int8"]


def test_what_was_measured_here_goes_before_the_documented_order(machine: dict[str, Any]) -> None:
    save_choice(
        "some/model", 2, {("litert", "fp32"): 0.008, ("openvino", "fp32"): 0.009, ("onnxruntime", "int8"): 0.01}
    )
    assert order()[:4] == ["litert fp32", "openvino fp32", "onnxruntime int8", "openvino int8"]
    assert order(precision="fp32") == ["litert fp32", "openvino fp32", "onnxruntime fp32"]
    assert order(threads=1)[0] == "openvino int8"
    assert choices("auto", "fastest", handle="other", threads=2, calibrated=True, network=of_size(1))[0] == (
        "openvino",
        "int8",
    )


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"machine": 7}', '{"machine": [], "seconds": 7}'])
def test_a_damaged_or_foreign_file_counts_for_nothing(damage: str) -> None:
    path = save_choice("some/model", 2, {("litert", "fp32"): 0.008})
    saved = json.loads(path.read_text())
    path.write_text(damage)
    assert order()[0] == "openvino int8"
    path.write_text(json.dumps(saved | {"machine": [*saved["machine"], "another"]}))
    assert order()[0] == "openvino int8"


def test_one_runtime_and_precision_are_taken_as_they_are() -> None:
    assert order("onnxruntime", "fp32") == ["onnxruntime fp32"]
    assert order("openvino") == ["openvino int8", "openvino bf16", "openvino fp32"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("tpu", "fp32"), "runtime: expected one of .*, got 'tpu'"),
        (("auto", "int4"), "precision: expected one of .*, got 'int4'"),
        (("auto", "fp16"), "precision='fp16': expected an installed runtime that computes in it"),
    ],
)
def test_what_does_not_exist_is_an_error(options: tuple[str, str], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        order(*options)


def test_opening_does_not_measure(detector: boxable.Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    chosen = boxable.load("ssd23", runtime="onnxruntime", precision="fastest")
    assert chosen.runtime == "onnxruntime"
    assert chosen.precision in ("int8", "fp32")
