"""The speeds that were measured on each kind of processor."""

import pytest

from boxable.runtimes import precisions_of
from boxable.runtimes.measured import LARGE, LARGE_SPEEDS, SPEEDS, Speeds, speeds_for


@pytest.mark.parametrize("speeds", [*SPEEDS.values(), *LARGE_SPEEDS.values()])
def test_speeds_are_of_existing_precisions_and_relative_to_the_default(speeds: Speeds) -> None:
    assert all(precision in precisions_of(name) for name, precision in speeds)
    assert speeds["onnxruntime", "fp32"] == 1


def test_what_was_not_measured_with_the_large_network_counts_as_with_the_small_one() -> None:
    small, large = speeds_for("AMX", LARGE - 1), speeds_for("AMX", LARGE)
    assert small == SPEEDS["AMX"]
    assert large["openvino", "int8"] == LARGE_SPEEDS["AMX"]["openvino", "int8"]
    assert large["openvino", "bf16"] == small["openvino", "bf16"]
    assert speeds_for("VNNI", None) == SPEEDS["VNNI"]
    assert speeds_for("other", None) == {}
