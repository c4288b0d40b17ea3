"""Shapes, variables and multiply-adds follow from operations."""

import pytest

from boxable.networks.ops import Add, Concat, Conv, Dense, Pool, Predict, Shape, SpatialMean, Window


@pytest.mark.parametrize(
    ("window", "shape", "pads", "size"),
    [
        (Window((3, 3), 2), (300, 300, 3), (0, 0, 1, 1), (150, 150)),  # the odd cell at the bottom and at the right
        (Window((3, 3), 2), (75, 74, 3), (1, 0, 1, 1), (38, 37)),
        (Window((3, 3), 2, padding="VALID"), (17, 18, 3), (0, 0, 0, 0), (8, 8)),
        (Window((1, 7)), (9, 9, 3), (0, 3, 0, 3), (9, 9)),
        (Window((7, 1), dilation=2), (9, 9, 3), (6, 0, 6, 0), (9, 9)),
        (Window((3, 3), dilation=2), (None, None, 3), (2, 2, 2, 2), (None, None)),
        (Window((3, 3), 2), (None, None, 3), None, (None, None)),  # depends on the size of the image
        (Window((2, 2), 2, padding="VALID"), (None, 8, 3), (0, 0, 0, 0), (None, 4)),
    ],
)
def test_windows_pad_as_tensorflow_does(
    window: Window, shape: Shape, pads: tuple[int, ...] | None, size: tuple[int | None, int | None]
) -> None:
    assert window.pads(shape) == pads
    assert window.output_size(shape) == size


@pytest.mark.parametrize(
    ("op", "shapes", "result"),
    [
        (Conv("a", "x", 8, Window((3, 3), 2)), [(9, 7, 3)], (5, 4, 8)),
        (Conv("a", "x", None, Window((3, 3))), [(9, 7, 3)], (9, 7, 3)),
        (Predict("a", "x", 6, 4), [(5, 4, 16)], (120, 4)),
        (Predict("a", "x", 6, 4), [(None, 4, 16)], (None, 4)),
        (Dense("a", "x", 10), [(16,)], (10,)),
        (Pool("a", "x", "max", Window((3, 3), 2, padding="VALID")), [(17, 17, 8)], (8, 8, 8)),
        (SpatialMean("a", "x"), [(8, 8, 16)], (16,)),
        (Add("a", ("x", "y")), [(8, 8, 16), (8, 8, 16)], (8, 8, 16)),
        (Concat("a", ("x", "y")), [(8, 8, 16), (8, 8, 4)], (8, 8, 20)),
        (Concat("a", ("x", "y")), [(16,), (4,)], (20,)),
        (Concat("a", ("x", "y"), "rows"), [(120, 4), (30, 4)], (150, 4)),
        (Concat("a", ("x", "y"), "rows"), [(None, 4), (30, 4)], (None, 4)),
    ],
)
def test_shapes_are_inferred(op: Conv, shapes: list[Shape], result: Shape) -> None:
    assert op.output_shape(shapes) == result


def test_variables_have_tensorflow_s_names_and_shapes() -> None:
    shapes: list[Shape] = [(9, 7, 3)]
    norm = {"a/BatchNorm/beta": (8,), "a/BatchNorm/moving_mean": (8,), "a/BatchNorm/moving_variance": (8,)}
    kernel = {"a/weights": (1, 7, 3, 8)}
    window = Window((1, 7))
    assert Conv("a", "x", 8, window).variables(shapes) == kernel | {"a/BatchNorm/gamma": (8,)} | norm
    assert Conv("a", "x", 8, window, "batch_without_gamma").variables(shapes) == kernel | norm
    assert Conv("a", "x", 8, window, None).variables(shapes) == kernel | {"a/biases": (8,)}
    assert Conv("a", "x", None, Window((3, 3)), None).variables(shapes) == {
        "a/depthwise_weights": (3, 3, 3, 1), "a/biases": (3,),
    }  # fmt: skip
    assert Predict("a", "x", 6, 4).variables(shapes) == {"a/weights": (1, 1, 3, 24), "a/biases": (24,)}
    assert Dense("a", "x", 10).variables([(16,)]) == {"a/weights": (16, 10), "a/biases": (10,)}


def test_multiply_adds_are_counted() -> None:
    assert Conv("a", "x", 8, Window((3, 3), 2)).macs([(10, 10, 3)]) == 5 * 5 * 3 * 3 * 3 * 8
    assert Conv("a", "x", None, Window((3, 3))).macs([(10, 10, 3)]) == 10 * 10 * 3 * 3 * 3
    assert Predict("a", "x", 6, 4).macs([(5, 4, 16)]) == 5 * 4 * 16 * 24
    assert Dense("a", "x", 10).macs([(16,)]) == 160
    with pytest.raises(ValueError, match="depends on the image"):
        Conv("a", "x", 8).macs([(None, None, 3)])
