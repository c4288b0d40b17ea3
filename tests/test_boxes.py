"""Operations on boxes."""

import numpy as np
import pytest

from boxable.boxes import iou

UNIT = [0, 0, 1, 1]


@pytest.mark.parametrize(
    "box", [[0.5, 0.5, 0.5, 0.5], [0, 0, 0, 1], [0, 0, 0, np.inf]], ids=["point", "line", "infinite line"]
)
def test_a_box_without_area_overlaps_nothing(box: list[float]) -> None:
    first, second = np.array(box, np.float32), np.array(UNIT, np.float32)
    assert [float(iou(*pair)) for pair in ((first, second), (second, first), (first, first))] == [0, 0, 0]
