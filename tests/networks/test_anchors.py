"""The anchors are the original's (SEMANTICS §4)."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from boxable.networks.anchors import ssd_anchors
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.heads.ssd import SsdHead

MAP_SIZES = (19, 10, 5, 3, 2, 1)
ANCHORS = ssd_anchors(MAP_SIZES)


def test_there_are_1917_anchors_in_float32() -> None:
    assert ANCHORS.shape == (1917, 4)
    assert ANCHORS.dtype == np.float32


def test_they_belong_to_the_maps_of_the_network() -> None:
    network = ssd_mobilenet_v2(601)
    assert isinstance(network.head, SsdHead)
    assert network.head.anchors is ANCHORS
    (graph,) = network.graphs.values()
    assert graph.shapes["box_encodings"] == (len(ANCHORS), 4)


@pytest.mark.parametrize(
    ("index", "box"),
    [
        (0, (-0.023684211, -0.023684211, 0.07631579, 0.07631579)),
        (1, (-0.04439489, -0.11510557, 0.09702647, 0.16773716)),
        (2, (-0.11510557, -0.04439489, 0.16773716, 0.09702647)),
        (1082, (0.8322629, 0.9029736, 1.1151056, 1.044395)),
        (1083, (-0.125, -0.125, 0.225, 0.225)),
        (1086, (-0.051036295, -0.25310886, 0.15103629, 0.35310888)),
        (1682, (0.7408351, 0.7408351, 1.159165, 1.159165)),
        (1911, (0.025000006, 0.025000006, 0.975, 0.975)),
        (1914, (0.22575861, -0.3227241, 0.7742414, 1.3227241)),
        (1916, (0.012660295, 0.012660295, 0.98733974, 0.98733974)),
    ],
)
def test_an_anchor_is_where_the_original_has_it(index: int, box: tuple[float, ...]) -> None:
    assert_allclose(ANCHORS[index], box, rtol=0, atol=2e-7)


@pytest.mark.parametrize(
    ("first", "heights", "widths"),
    [
        (0, (0.1, 0.14142136, 0.28284273), (0.1, 0.28284273, 0.14142136)),
        (
            1083,
            (0.35, 0.24748737, 0.49497473, 0.20207259, 0.6062481, 0.41833),
            (0.35, 0.49497473, 0.24748737, 0.60621774, 0.20206249, 0.41833),
        ),
        (
            1683,
            (0.5, 0.35355338, 0.70710677, 0.28867513, 0.8660687, 0.57008773),
            (0.5, 0.70710677, 0.35355338, 0.8660254, 0.2886607, 0.57008773),
        ),
        (
            1833,
            (0.65, 0.4596194, 0.9192388, 0.37527767, 1.1258893, 0.7211102),
            (0.65, 0.91923875, 0.45961937, 1.1258329, 0.3752589, 0.7211102),
        ),
        (
            1887,
            (0.8, 0.5656855, 1.1313709, 0.4618802, 1.3857099, 0.8717798),
            (0.8, 1.1313709, 0.5656855, 1.3856406, 0.46185714, 0.8717798),
        ),
        (
            1911,
            (0.95, 0.6717515, 1.343503, 0.5484828, 1.6455305, 0.97467947),
            (0.95, 1.343503, 0.6717515, 1.6454482, 0.54845536, 0.97467947),
        ),
    ],
)
def test_the_first_cell_of_each_map_has_these_shapes(
    first: int, heights: tuple[float, ...], widths: tuple[float, ...]
) -> None:
    cell = ANCHORS[first : first + len(heights)]
    assert_allclose(cell[:, 2] - cell[:, 0], heights, rtol=0, atol=2e-7)
    assert_allclose(cell[:, 3] - cell[:, 1], widths, rtol=0, atol=2e-7)


def test_sums_and_extremes_are_those_of_the_original() -> None:
    sums = (674.21613083, 674.219453923, 1242.783913866, 1242.780590698)
    assert_allclose(ANCHORS.sum(axis=0, dtype=np.float64), sums, rtol=0, atol=1e-4)
    assert_allclose([ANCHORS.min(), ANCHORS.max()], [-0.44285494, 1.4428549], rtol=0, atol=2e-7)


def test_all_anchors_are_the_recorded_ones(reference: Path) -> None:
    with np.load(reference / "anchors.npz") as recorded:
        assert_allclose(ANCHORS, recorded["anchors"], rtol=0, atol=2e-7)


def test_cells_come_row_by_row_and_their_centres_are_half_a_cell_in() -> None:
    start = 0
    for size, per_cell in zip(MAP_SIZES, (3, 6, 6, 6, 6, 6), strict=True):
        boxes = ANCHORS[start : start + size * size * per_cell].reshape(size, size, per_cell, 4).astype(np.float64)
        centres = (boxes[..., :2] + boxes[..., 2:]) / 2
        expected = (np.arange(size) + 0.5) / size
        assert_allclose(centres[..., 0], np.broadcast_to(expected[:, None, None], boxes.shape[:3]), atol=1e-7)
        assert_allclose(centres[..., 1], np.broadcast_to(expected[None, :, None], boxes.shape[:3]), atol=1e-7)
        start += size * size * per_cell
    assert start == len(ANCHORS)


def test_anchors_are_shared_and_cannot_be_written() -> None:
    assert ssd_anchors(MAP_SIZES) is ANCHORS
    with pytest.raises(ValueError, match="read-only"):
        ANCHORS[0, 0] = 1
