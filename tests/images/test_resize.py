"""The resize of the original, bit for bit (SEMANTICS §2)."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from boxable.images.resize import BLOCK_ROWS, resize_bilinear

F = np.float32


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def resize_slowly(image: NDArray[np.generic], size_hw: tuple[int, int]) -> NDArray[np.float32]:
    """The rules of SEMANTICS §2.2 pixel by pixel; every operation is rounded to float32."""
    height, width, channels = image.shape
    result = np.empty((*size_hw, channels), F)
    for y in range(size_hw[0]):
        source_y = F(y) * (F(height) / F(size_hw[0]))
        top = int(np.floor(source_y))
        bottom = min(top + 1, height - 1)
        for x in range(size_hw[1]):
            source_x = F(x) * (F(width) / F(size_hw[1]))
            left = int(np.floor(source_x))
            right = min(left + 1, width - 1)
            down, across = source_y - F(top), source_x - F(left)
            for channel in range(channels):
                tl, tr, bl, br = (
                    F(image[row, column, channel]) for row in (top, bottom) for column in (left, right)
                )  # fmt: skip
                upper = tl + (tr - tl) * across
                lower = bl + (br - bl) * across
                result[y, x, channel] = upper + (lower - upper) * down
    return result


SIDES = st.integers(1, 14)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from([1, 3]), st.booleans(), st.integers(0, 9))
def test_every_pixel_follows_the_rules_bit_for_bit(
    height: int, width: int, out_height: int, out_width: int, channels: int, floats: bool, seed: int
) -> None:
    image: NDArray[np.generic] = noise(height, width, channels, seed)
    if floats:
        image = np.random.default_rng(seed).uniform(0, 255, image.shape).astype(F)
    found = resize_bilinear(image, (out_height, out_width))  # type: ignore[arg-type]
    assert found.dtype == F
    assert_array_equal(found, resize_slowly(image, (out_height, out_width)))


@pytest.mark.parametrize(("height", "width"), [(17, 31), (300, 451), (1, 1000), (997, 2), (640, 480)])
def test_images_of_other_shapes_follow_the_rules_at_the_size_of_the_network(height: int, width: int) -> None:
    image = noise(height, width)
    rows, columns = [0, 1, 149, 150, 298, 299], [0, 1, 7, 150, 298, 299]
    found = resize_bilinear(image, (300, 300))
    for y in rows:
        for x in columns:
            assert_array_equal(found[y, x], _pixel(image, y, x), err_msg=f"{y}, {x}")


@pytest.mark.parametrize("kind", [np.uint8, F])
@pytest.mark.parametrize("width", [5, 2**19])
def test_pieces_that_do_not_fill_a_block_and_rows_that_exceed_one_follow_the_rules(kind: type, width: int) -> None:
    image = noise(70, width, 1).astype(kind)
    assert_array_equal(resize_bilinear(image, (BLOCK_ROWS * 2 + 3, 4)), resize_slowly(image, (BLOCK_ROWS * 2 + 3, 4)))


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(1, 400), st.sampled_from([1, 2, BLOCK_ROWS, BLOCK_ROWS + 1, 200, 300]))
def test_every_ratio_of_heights_follows_the_rules(height: int, out_height: int) -> None:
    """Rows of the source serve one row of the output or two, and all rows may be used as they are."""
    image = noise(height, 3, 1)
    assert_array_equal(resize_bilinear(image, (out_height, 2)), resize_slowly(image, (out_height, 2)))


@pytest.mark.parametrize("size", [(4, 8), (8, 4), (8, 8), (4, 5), (5, 4)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_neighbor_of_weight_0_that_is_no_finite_number_counts_as_in_the_original(
    size: tuple[int, int], value: float
) -> None:
    image = noise(*size, 1).astype(F)
    image[1::2, 1::2] = value
    with np.errstate(invalid="ignore"):
        assert_array_equal(resize_bilinear(image, (4, 4)), resize_slowly(image, (4, 4)))


@pytest.mark.parametrize("size", [(300, 300), (640, 481), (100, 600)])
def test_what_is_done_then_is_done_to_every_row_once(size: tuple[int, int]) -> None:
    image, seen = noise(*size), []

    def add(rows: NDArray[np.float32]) -> None:
        seen.append(len(rows))
        rows += F(1000)

    found = resize_bilinear(image, (300, 300), then=add)
    assert sum(seen) == 300
    assert_array_equal(found, resize_bilinear(image, (300, 300)) + F(1000))


def test_threads_do_not_share_their_buffers() -> None:
    images = [noise(200 + number, 300 - number, seed=number) for number in range(8)]
    alone = [resize_bilinear(image, (50, 50)) for image in images]
    with ThreadPoolExecutor(4) as pool:
        for found, expected in zip(
            pool.map(lambda image: resize_bilinear(image, (50, 50)), images * 20), alone * 20, strict=True
        ):
            assert_array_equal(found, expected)


def _pixel(image: NDArray[np.uint8], y: int, x: int) -> NDArray[np.float32]:
    source_y, source_x = F(y) * (F(image.shape[0]) / F(300)), F(x) * (F(image.shape[1]) / F(300))
    top, left = int(source_y), int(source_x)
    bottom, right = min(top + 1, image.shape[0] - 1), min(left + 1, image.shape[1] - 1)
    tl, tr, bl, br = (image[row, column].astype(F) for row in (top, bottom) for column in (left, right))
    upper = tl + (tr - tl) * (source_x - F(left))
    lower = bl + (br - bl) * (source_x - F(left))
    return upper + (lower - upper) * (source_y - F(top))


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_shrinking_by_a_whole_number_picks_pixels_without_mixing(factor: int) -> None:
    image = noise(300 * factor, 300 * factor)
    assert_array_equal(resize_bilinear(image, (300, 300)), image[::factor, ::factor])


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_an_image_of_the_right_size_passes_unchanged_and_is_not_written_to(kind: type) -> None:
    image = noise(300, 300).astype(kind)
    before = image.copy()
    assert_array_equal(resize_bilinear(image, (300, 300)), image)
    assert_array_equal(image, before)


def test_one_pixel_becomes_a_constant_image() -> None:
    image = np.array([[[3, 141, 255]]], np.uint8)
    assert_array_equal(resize_bilinear(image, (300, 300)), np.broadcast_to(image, (300, 300, 3)))


def test_the_last_row_and_column_are_repeated_at_the_far_edge() -> None:
    image = np.array([[[0.0], [100.0]]], F)
    found = resize_bilinear(image, (1, 4))
    assert found.ravel().tolist() == [0.0, 50.0, 100.0, 100.0]
