"""Batches of a size that is given."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from boxable.runtimes.fixed_batch import Floats, in_batches


@pytest.mark.parametrize("count", [1, 3, 4, 6, 7])
def test_any_number_comes_whole_though_the_results_are_lent(count: int) -> None:
    sizes, lent = [], np.empty((3, 2), np.float32)

    def run(images: Floats) -> tuple[Floats, Floats]:
        sizes.append(len(images))
        np.multiply(images, [2, 3], out=lent)
        return lent[:, :1], lent[:, 1:]

    images = np.arange(count, dtype=np.float32)[:, None] + 1
    doubled, trebled = in_batches(images, 3, run)
    assert_array_equal(doubled, images * 2)
    assert_array_equal(trebled, images * 3)
    assert sizes == [3] * -(-count // 3)
