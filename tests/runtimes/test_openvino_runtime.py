"""OpenVINO runs the same graphs to the same detections."""

import sys

import numpy as np
import pytest

import boxable
from boxable.errors import MissingExtraError
from tests.conftest import EXAMPLES

PHOTO = str(EXAMPLES / "chelsea.png")


def test_without_openvino_the_error_names_the_extra(
    detector: boxable.Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"boxable\[openvino\]"):
        boxable.load("ssd23", runtime="openvino")


@pytest.mark.optional
@pytest.mark.parametrize(("precision", "apart"), [("fp32", 1e-4), ("bf16", 0.1), ("int8", 0.1)])
def test_openvino_finds_the_same(detector: boxable.Detector, precision: str, apart: float) -> None:
    other = boxable.load("ssd23", runtime="openvino", precision=precision)
    assert other.handle == detector.handle
    found, expected = other(PHOTO)[0], detector(PHOTO)[0]
    assert found.name == expected.name == "Cat"
    assert found.score == pytest.approx(expected.score, abs=apart)
    np.testing.assert_allclose(found.box, expected.box, atol=max(apart, 1e-4))


@pytest.mark.optional
def test_openvino_detects_in_many_pictures_in_order(detector: boxable.Detector) -> None:
    other = boxable.load("ssd23", runtime="openvino")
    pictures = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")] * 4
    assert [found[0].name for found in other(pictures)] == ["Person", "Cat", "Coffee cup"] * 4


@pytest.mark.optional
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_batches_that_are_not_full_come_whole(detector: boxable.Detector, batch_size: int) -> None:
    other = boxable.load("ssd23", runtime="openvino", threads=2, batch_size=batch_size)
    found = list(other.stream([PHOTO] * 11, min_score=0.3))
    assert [item[0].score for item in found] == pytest.approx([detector(PHOTO)[0].score] * 11, abs=1e-5)
