"""Results by object size."""

import numpy as np
import pytest

from boxable.metrics.protocols import protocol_named
from boxable.metrics.sizes import SizeResult, by_size
from tests.metrics.made import A, Box, Found, Truth, evaluated

# Height 1 and this width: the area is the width, exactly.
TINY, HUNDREDTH, TENTH = (0, 0.5, 1, 0.505), (0, 0, 1, 0.01), (0, 0, 1, 0.1)


def sized(boxes: list[Truth], found: list[Found]) -> dict[str, SizeResult]:
    evaluation = evaluated(boxes, found, protocol_named("openimages-v2"))
    columns = np.array([evaluation.inputs.mids.index(A)])
    results = by_size(evaluation.inputs, evaluation.matches, evaluation.ranking.entries, columns)
    return {result.name: result for result in results}


@pytest.mark.parametrize(
    ("box", "name"),
    [(TINY, "small"), (HUNDREDTH, "medium"), (TENTH, "large"), ((0, 0, 2, 2), "large"), ((0, 0, 1, 0.05), "medium")],
)
def test_a_bucket_holds_its_lower_edge_and_not_its_upper_one(box: Box, name: str) -> None:
    sizes = sized([Truth("i", A, box)], [Found("i", A, 0.9, box)])
    assert {each: result.ground_truth for each, result in sizes.items() if result.ground_truth} == {name: 1}
    assert (sizes[name].mean_ap, sizes[name].recall) == (1, 1)
    assert all(np.isnan(result.mean_ap) for each, result in sizes.items() if each != name)


def test_a_false_positive_counts_in_the_bucket_of_its_own_size() -> None:
    false = [Found("i", A, 0.9, HUNDREDTH)]
    sizes = sized([Truth("i", A, TINY), Truth("j", A, TENTH)], [*false, Found("i", A, 0.5, TINY)])
    assert (sizes["small"].mean_ap, sizes["small"].recall) == (1, 1)
    assert np.isnan(sizes["medium"].mean_ap)
    assert (sizes["large"].mean_ap, sizes["large"].recall) == (0, 0)


def test_a_true_positive_counts_in_the_bucket_of_its_ground_truth() -> None:
    box = (0, 0, 1, 0.0095)
    sizes = sized([Truth("i", A, HUNDREDTH)], [Found("i", A, 0.9, box)])
    assert (sizes["medium"].mean_ap, sizes["medium"].recall) == (1, 1)
