"""Kinds of processors, and the speeds that were measured on them."""

import pytest

from boxable.runtimes import measured, precisions_of
from boxable.runtimes.measured import SPEEDS, processor_kind


@pytest.mark.parametrize(
    ("features", "machine", "kind"),
    [
        ({"amx_int8", "avx512_vnni", "avx2"}, "x86_64", "AMX"),
        ({"avx512_vnni", "avx2"}, "x86_64", "VNNI"),
        ({"avx_vnni", "avx2"}, "x86_64", "VNNI"),
        ({"avx2"}, "x86_64", "AVX2"),
        (set(), "AMD64", "AVX2"),
        ({"asimddp"}, "aarch64", "other"),
        (set(), "arm64", "other"),
    ],
)
def test_a_processor_is_of_the_kind_of_its_features(
    features: set[str], machine: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "processor_features", lambda: frozenset(features))
    monkeypatch.setattr(measured.platform, "machine", lambda: machine)
    assert processor_kind() == kind


def test_speeds_are_of_existing_precisions_and_relative_to_the_default() -> None:
    for speeds in SPEEDS.values():
        assert all(precision in precisions_of(name) for name, precision in speeds)
        assert speeds.get(("onnxruntime", "fp32"), 1) == 1
