"""Parsing TensorFlow's messages, and declaring others."""

import pytest

from boxable.errors import WeightsError
from boxable.tf_messages import message_classes, parse, sizes
from tests.weights.tensorflow_writer import message, of_strings, shape_of, tensor


def test_declared_fields_are_parsed_and_others_skipped() -> None:
    found = parse("Tensor", tensor([2, 3], raw=b"data") + message((15, b"unknown"), (99, 7)), "a.pb")
    assert (found.dtype, sizes(found.shape, "a.pb"), found.content) == (1, [2, 3], b"data")
    assert list(parse("Tensor", of_strings("a", "b"), "a.pb").string_val) == [b"a", b"b"]


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05ab", b"\x0f"])
def test_invalid_data_is_an_error_with_the_name(data: bytes) -> None:
    with pytest.raises(WeightsError, match=r"^a\.pb: damaged, or not a TensorFlow file"):
        parse("Graph", data, "a.pb")


@pytest.mark.parametrize("shape", [[], [0], [1, 2, 3], [2**40], [1] * 8])
def test_the_sizes_of_a_possible_shape(shape: list[int]) -> None:
    assert sizes(parse("Shape", shape_of(shape), "a.pb"), "a.pb") == shape


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ([1] * 9, "expected at most 8 axes, got 9"),
        ([-1, 3], r"\[-1, 3\] is not a valid shape"),
        ([2**40 + 1], r"\[1099511627777\] is not a valid shape"),
    ],
)
def test_an_impossible_shape_is_an_error_with_the_name(shape: list[int], text: str) -> None:
    with pytest.raises(WeightsError, match=f"^kernel: {text}"):
        sizes(parse("Shape", shape_of(shape), "a.pb"), "kernel")


def test_own_messages_can_be_declared() -> None:
    classes = message_classes("tests.own", {"Inner": {"value": (1, "int64")}, "Outer": {"items": (2, "*Inner")}})
    outer = classes["tests.own.Outer"](items=[{"value": 1}, {"value": 300}])
    assert outer.SerializeToString() == message((2, message((1, 1))), (2, message((1, 300))))
    assert [item.value for item in classes["tests.own.Outer"].FromString(outer.SerializeToString()).items] == [1, 300]
