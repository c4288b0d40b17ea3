"""Size buckets."""

import numpy as np
import pytest

from boxable.metrics.sizes import by_size
from tests.evaluation.made import A, Found, Truth, evaluated


@pytest.mark.parametrize(("height", "bucket"), [(0.009, 0), (0.01, 1), (0.099, 1), (0.1, 2), (1, 2)])
def test_a_bucket_includes_its_lower_edge_and_excludes_its_upper_edge(height: float, bucket: int) -> None:
    box = (0, 0, height, 1)
    evaluation = evaluated([Truth("i", A, box)], [Found("i", A, 0.9, box)])
    column = np.array([evaluation.data.mids.index(A)])
    results = by_size(evaluation.data, evaluation.matches, evaluation.ranking.entries, column)
    assert [result.name for result in results] == ["small", "medium", "large"]
    assert [result.ground_truth for result in results] == [float(place == bucket) for place in range(3)]
    assert results[bucket].recall == 1


@pytest.mark.parametrize(("height", "bucket"), [(0.01, 1), (0.1, 2)])
def test_a_false_positive_has_its_own_size(height: float, bucket: int) -> None:
    truths = [Truth(image, A, (1 - size, 0, 1, 1)) for image, size in (("i", 0.005), ("j", 0.05), ("k", 0.5))]
    found = [Found(row.image, A, 0.5, row.box) for row in truths]
    evaluation = evaluated(truths, [*found, Found("k", A, 0.9, (0, 0, height, 1))])
    column = np.array([evaluation.data.mids.index(A)])
    results = by_size(evaluation.data, evaluation.matches, evaluation.ranking.entries, column)
    assert [result.mean_ap < 1 for result in results] == [place == bucket for place in range(3)]
