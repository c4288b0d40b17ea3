"""Kinds of processors, and the speeds that were measured on them."""

import pytest

from boxable.runtimes import measured, precisions_of
from boxable.runtimes.measured import LARGE, LARGE_SPEEDS, SPEEDS, Speeds, processor_kind, speeds_for


@pytest.mark.parametrize(
    ("features", "kind"),
    [
        ({"amx_int8", "avx512_vnni", "avx2"}, "AMX"),
        ({"avx512_vnni", "avx2"}, "VNNI"),
        ({"avx_vnni", "avx2"}, "VNNI"),
        ({"avx2"}, "AVX2"),
        ({"sse4_2"}, "other"),
        ({"asimddp"}, "other"),
        (set(), "other"),
    ],
)
def test_a_processor_is_of_the_kind_of_its_features(
    features: set[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "processor_features", lambda: frozenset(features))
    assert processor_kind() == kind


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
