"""Batches of a fixed size."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from boxable.networks.network import Graph
from boxable.runtimes.interface import Arrays, Concurrency, run_in_batches


@pytest.mark.parametrize("count", [1, 3, 4, 6, 7])
def test_any_number_of_inputs_is_run_whole_though_the_outputs_are_lent(count: int) -> None:
    sizes, lent = [], np.empty((3, 2), np.float32)

    def run(inputs: Arrays) -> Arrays:
        sizes.append((len(inputs["images"]), len(inputs["factors"])))
        np.multiply(inputs["images"], inputs["factors"], out=lent)
        return {"doubled": lent[:, :1], "tripled": lent[:, 1:]}

    images = np.arange(count, dtype=np.float32)[:, None] + 1
    factors = np.tile(np.float32([2, 3]), (count, 1))
    outputs = run_in_batches({"images": images, "factors": factors}, 3, run)
    assert_array_equal(outputs["doubled"], images * 2)
    assert_array_equal(outputs["tripled"], images * 3)
    assert sizes == [(3, 3)] * -(-count // 3)


def test_threads_are_shared_among_callers() -> None:
    assert Concurrency(4).threads_each == 4
    assert Concurrency(4, callers=2).threads_each == 2
    assert Concurrency(2, callers=3).threads_each == 1


def test_a_graph_is_compiled_for_its_own_rows_where_they_are_no_images() -> None:
    assert Concurrency(1, batch=2).batch_of(Graph((), {}, {})) == 2
    assert Concurrency(1, batch=2).batch_of(Graph((), {}, {}, rows=32)) == 32
