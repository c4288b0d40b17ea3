"""Arrays and other things that are no image: one line that says what was expected and what was got."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from boxable import Detector
from boxable.errors import ArgumentError, ImageError
from tests.hostile.makers import PHOTO, photo, pixels

SHAPE = (7, 5, 3)


def floats(value: float, dtype: Any = np.float32) -> Any:
    """One pixel has the value, the others are in the middle of the range."""
    array = np.full(SHAPE, 0.5, dtype)
    array[3, 2, 1] = value
    return array


class Broken:
    """Looks like an array and is none."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        return [1, 2, 3]


VALUES = {
    "nan": (floats(np.nan), "NaN or infinity"),
    "infinity": (floats(np.inf), "NaN or infinity"),
    "minus infinity": (floats(-np.inf), "NaN or infinity"),
    "half-precision nan": (floats(np.nan, np.float16), "NaN or infinity"),
    "more than float32 holds": (floats(1e300, np.float64), "NaN or infinity"),
    "8-bit values as floats": (floats(255.0), r"from 0 to 1, got 0\.5 to 255; divide 8-bit values by 255"),
    "a little above": (floats(1.001), "expected values from 0 to 1"),
    "negative": (floats(-0.5), r"got -0\.5"),
    "normalised to -1..1": (np.tile(np.float32([-1, 0, 1]), (7, 5, 1)), "got -1 to 1"),
}
SHAPES = {
    "a number": np.array(0.5),
    "a line": np.zeros(5, np.uint8),
    "two channels": np.zeros((7, 5, 2), np.uint8),
    "five channels": np.zeros((7, 5, 5), np.uint8),
    "channels first": np.zeros((3, 7, 5), np.uint8),
    "five axes": np.zeros((1, 1, 7, 5, 3), np.uint8),
    "no rows": np.zeros((0, 5, 3), np.uint8),
    "no columns": np.zeros((7, 0, 3), np.float32),
    "no channels": np.zeros((7, 5, 0), np.uint8),
}
DTYPES = {
    "int8": np.zeros(SHAPE, np.int8),
    "uint16": np.zeros(SHAPE, np.uint16),
    "int64": np.zeros(SHAPE, np.int64),
    "bool": np.zeros(SHAPE, bool),
    "complex": np.zeros(SHAPE, np.complex128),
    "objects": np.full(SHAPE, None, object),
    "objects that are numbers": np.full(SHAPE, 0.5, object),
    "strings": np.full(SHAPE, "0.5"),
    "bytes": np.full(SHAPE, b"0"),
    "dates": np.zeros(SHAPE, "datetime64[s]"),
    "records": np.zeros(SHAPE, [("red", np.uint8)]),
}
NO_IMAGES = {
    "None": None,
    "int": 5,
    "float": 0.5,
    "dict": {"image": PHOTO},
    "set": {1},
    "class": Detector,
    "nested list": [[PHOTO]],
    "list of numbers": [1, 2, 3],
    "list with None": [PHOTO, None],
}


@pytest.mark.parametrize(("array", "says"), VALUES.values(), ids=VALUES)
def test_values_out_of_range_are_refused(array: Any, says: str, detector: Detector) -> None:
    for image in (array, array[3], [array]):
        with pytest.raises(ArgumentError, match=f"^array: .*{says}") as caught:
            detector(image)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("array", SHAPES.values(), ids=SHAPES)
def test_arrays_of_other_shapes_are_refused(array: Any, detector: Detector) -> None:
    with pytest.raises(ArgumentError, match=r"^array: expected \[height, width, 3\].*, got shape \[.*\]"):
        detector(array)


@pytest.mark.parametrize("array", DTYPES.values(), ids=DTYPES)
def test_arrays_of_other_types_are_refused(array: Any, detector: Detector) -> None:
    with pytest.raises(ArgumentError, match=r"^array: expected uint8 \(0 to 255\) or float \(0 to 1\), got dtype"):
        detector(array)


@pytest.mark.parametrize("thing", NO_IMAGES.values(), ids=NO_IMAGES)
def test_what_is_no_image_is_refused(thing: Any, detector: Detector) -> None:
    with pytest.raises(ArgumentError, match=r"^expected a path, a URL, .* as image, got \w+"):
        detector(thing)


def test_what_only_looks_like_an_array_raises_the_error_of_numpy(detector: Detector) -> None:
    with pytest.raises(ValueError, match="array"):
        detector(Broken())


def test_nothing_gives_nothing(detector: Detector) -> None:
    assert detector([]) == []
    assert detector(np.zeros((0, 7, 5, 3), np.uint8)) == []
    assert list(detector.stream([])) == []


def test_a_stream_goes_on_after_bad_arrays(detector: Detector) -> None:
    bad = [array for array, _ in VALUES.values()] + list(SHAPES.values()) + list(DTYPES.values())
    good = pixels(photo())
    found = list(detector.stream([good, *bad, good], min_score=0.5))
    assert [item.error is None for item in found] == [True, *[False] * len(bad), True]
    assert found[0].names.tolist() == found[-1].names.tolist() == ["Cat"]


CONTRACT = {
    "a path": (str(PHOTO), "got str"),
    "a PIL image": (Image.new("RGB", (5, 7)), "got Image"),
    "a list": ([np.zeros(SHAPE, np.float32)], "got list"),
    "None": (None, "got NoneType"),
    "bytes": (b"", "got bytes"),
    "no batch axis": (np.zeros(SHAPE, np.float32), r"add the batch axis with image\[None\]"),
    "two images": (np.zeros((2, *SHAPE), np.float32), r"got shape \[2, .*call detector\(list\)"),
    "no image": (np.zeros((0, *SHAPE), np.float32), r"got shape \[0, "),
    "four channels": (np.zeros((1, 7, 5, 4), np.float32), r"got shape \[1, 7, 5, 4\]"),
    "grey": (np.zeros((1, 7, 5, 1), np.float32), r"got shape \[1, 7, 5, 1\]"),
    "no rows": (np.zeros((1, 0, 5, 3), np.float32), "an empty image"),
    "float64": (np.zeros((1, *SHAPE), np.float64), r"got dtype float64.*image\.astype\('float32'\)"),
    "float16": (np.zeros((1, *SHAPE), np.float16), "got dtype float16"),
    "uint8": (np.zeros((1, *SHAPE), np.uint8), r"got dtype uint8.*/ 255"),
    "complex": (np.zeros((1, *SHAPE), np.complex64), "got dtype complex64"),
    "objects": (np.full((1, *SHAPE), None, object), "got dtype object"),
    "strings": (np.full((1, *SHAPE), "a"), "got dtype <U1"),
    "nan": (floats(np.nan)[None], "NaN or infinity"),
    "infinity": (floats(np.inf)[None], "NaN or infinity"),
    "negative": (floats(-1)[None], "got -1"),
    "0 to 255": (floats(255)[None], "divide 8-bit values by 255"),
}


@pytest.mark.parametrize(("image", "says"), CONTRACT.values(), ids=CONTRACT)
def test_the_original_call_refuses_all_but_its_own_kind_of_tensor(image: Any, says: str, detector: Detector) -> None:
    with pytest.raises(ArgumentError, match=f"^as_dict=True: .*{says}") as caught:
        detector(image, as_dict=True)
    assert str(caught.value).isprintable()


OPTIONS = {
    "min_score above": {"min_score": 2},
    "min_score below": {"min_score": -1},
    "min_score nan": {"min_score": float("nan")},
    "min_score text": {"min_score": "high"},
    "min_score list": {"min_score": [0.1]},
    "max_detections 0": {"max_detections": 0},
    "max_detections fraction": {"max_detections": 1.5},
    "max_detections None": {"max_detections": None},
    "nms": {"nms": "soft"},
    "classes unknown": {"classes": "Unicorn"},
    "classes that the model cannot name": {"classes": "Zucchini"},
    "classes empty": {"classes": ""},
    "classes only commas": {"classes": " , ,"},
    "classes only a sign": {"classes": "-"},
    "classes that cancel out": {"classes": "Cat,-Cat"},
    "classes empty list": {"classes": []},
    "classes number": {"classes": 99999},
    "classes fraction": {"classes": 1.5},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options_that_mean_nothing_are_refused(options: Any, detector: Detector) -> None:
    with pytest.raises(ArgumentError) as caught:
        detector([pixels(photo())], **options)
    with pytest.raises(ArgumentError):
        list(detector.stream([pixels(photo())], **options))
    assert str(caught.value).isprintable()


def test_bytes_of_every_kind_that_are_no_image_raise(detector: Detector) -> None:
    for data in (b"", b"x", bytearray(b"no image"), memoryview(b"no image")):
        with pytest.raises(ImageError, match=r"^bytes: "):
            detector(data)
