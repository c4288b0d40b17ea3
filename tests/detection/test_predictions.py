"""Detections as the columns of an evaluation."""

from pathlib import Path

import numpy as np

from boxable import Detections, Detector
from boxable.detection.predictions import to_predictions
from boxable.formats.openimages import openimages
from boxable.formats.reading import read_predictions
from tests.conftest import EXAMPLES


def test_the_columns_are_those_of_the_written_file(detector: Detector, tmp_path: Path) -> None:
    found = list(detector.stream(EXAMPLES, min_score=0))
    named = [("empty", Detections.empty()), *((one.image_id, one) for one in found)]
    (tmp_path / "found.csv").write_text("".join(openimages((one.to_dict() for one in found), detector.classes)))
    expected, got = read_predictions(tmp_path / "found.csv"), to_predictions(named)
    assert len(got) == sum(map(len, found)) > 100
    assert got.image.strings() == expected.image.strings()
    assert got.label.strings() == expected.label.strings()
    assert np.array_equal(got.box, expected.box)
    assert np.array_equal(got.score, expected.score)
    assert got.box.dtype == got.score.dtype == np.float64


def test_no_detections_are_columns_without_rows() -> None:
    for found in ((), [("a", Detections.empty())]):
        none = to_predictions(found)
        assert (len(none), none.image.values, none.box.shape) == (0, [], (0, 4))
