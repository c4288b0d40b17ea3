"""The call of the original: what goes in, what comes out, what is refused and how it says so."""

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.errors import ArgumentError
from tests.conftest import EXAMPLES


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    with Image.open(EXAMPLES / "chelsea.png") as photo:
        return (np.asarray(photo.convert("RGB")) * np.float32(1 / 255))[None]


def test_the_dictionary_is_the_documented_one(detector: boxable.Detector, image: np.ndarray) -> None:
    result = detector(image, as_dict=True)
    count = len(result["detection_scores"])
    assert {name: (values.shape, values.dtype.kind) for name, values in result.items()} == {
        "detection_boxes": ((count, 4), "f"),
        "detection_class_entities": ((count,), "U"),
        "detection_class_names": ((count,), "U"),
        "detection_class_labels": ((count,), "i"),
        "detection_scores": ((count,), "f"),
    }
    assert count == 100
    assert result["detection_boxes"].dtype == np.float32
    assert result["detection_class_labels"].dtype == np.int64
    assert (result["detection_class_entities"][0], result["detection_class_names"][0]) == ("/m/01yrx", "Cat")
    assert result["detection_class_labels"][0] == 122
    assert (np.diff(result["detection_scores"]) <= 0).all()


def test_the_served_fields_are_exchanged_bytes(detector: boxable.Detector, image: np.ndarray) -> None:
    result = detector(image, as_dict=True, class_fields="served")
    assert (result["detection_class_entities"][0], result["detection_class_names"][0]) == (b"Cat", b"/m/01yrx")


def test_unit_floats_and_bytes_of_one_picture_give_the_same(detector: boxable.Detector, image: np.ndarray) -> None:
    from_file = detector(EXAMPLES / "chelsea.png", min_score=0)
    result = detector(image, as_dict=True)
    assert np.array_equal(result["detection_class_labels"], from_file.label_ids)
    np.testing.assert_allclose(result["detection_scores"], from_file.scores, atol=1e-6)


def test_an_object_that_converts_itself_is_taken(detector: boxable.Detector, image: np.ndarray) -> None:
    class Tensor:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return image

    assert len(detector(Tensor(), as_dict=True)["detection_scores"]) == 100


@pytest.mark.parametrize(
    ("change", "got", "expected"),
    [
        (lambda image: image[0], "got shape [300, 451, 3]", "image[None]"),
        (lambda image: image[0, 0], "got shape [451, 3]", "[1, height, width, 3]"),
        (lambda image: image[..., 0], "got shape [1, 300, 451]", "[1, height, width, 3]"),
        (lambda image: image[..., [0, 1, 2, 0]], "got shape [1, 300, 451, 4]", "[1, height, width, 3]"),
        (lambda image: np.repeat(image, 2, axis=0), "got shape [2, 300, 451, 3]", "detector(list)"),
        (lambda image: image[:, :0], "an empty image", "[1, height, width, 3]"),
        (lambda image: image.astype(np.float64), "got dtype float64", "float32"),
        (lambda image: (image * 255).astype(np.uint8), "got dtype uint8", "/ 255"),
        (lambda image: image * 255, "expected values from 0 to 1", "divide 8-bit values by 255"),
        (lambda image: image - 1, "got -", "0 to 1"),
        (lambda image: np.full_like(image, np.nan), "NaN", "numbers from 0 to 1"),
        (lambda image: np.where(image > 0.5, np.float32(np.inf), image), "infinity", "numbers from 0 to 1"),
        (lambda image: "photo.jpg", "got str", "without as_dict"),
        (lambda image: image.tolist(), "got list", "float32"),
    ],
)
def test_each_wrong_input_says_what_was_expected_and_what_was_got(
    detector: boxable.Detector, image: np.ndarray, change: object, got: str, expected: str
) -> None:
    assert callable(change)
    with pytest.raises(ArgumentError) as error:
        detector(change(image), as_dict=True)
    assert got in str(error.value)
    assert expected in str(error.value)
    assert isinstance(error.value, ValueError)


def test_an_unknown_kind_of_class_fields_is_refused(detector: boxable.Detector, image: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="'documented' or 'served'"):
        detector(image, as_dict=True, class_fields="both")  # type: ignore[call-overload]


def test_fewer_than_a_hundred_come_unpadded(detector: boxable.Detector, image: np.ndarray) -> None:
    result = detector(image, as_dict=True, min_score=0.5)
    assert {len(values) for values in result.values()} == {1}


def test_an_object_that_raises_when_it_is_looked_at_is_no_array(detector: boxable.Detector) -> None:
    class Tensor:
        @property
        def __array__(self) -> object:
            raise ValueError("deleted")

    with pytest.raises(boxable.ArgumentError, match=r"expected a float32 array .* got Tensor"):
        detector(Tensor(), as_dict=True)
