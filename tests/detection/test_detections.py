"""The result: arrays of one length that convert themselves."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.errors import ArgumentError, ImageError, UnknownClassError
from boxable.vocabulary import ClassList, open_images
from tests.conftest import EXAMPLES

NAMES = ("Person", "Car", "Woman", "Car")


def make(found: tuple[str, ...] = NAMES, **changes: object) -> boxable.Detections:
    classes = [open_images().find(name) for name in found]
    count = len(found)
    fields = {
        "boxes": np.linspace(0, 1, count * 4, dtype=np.float32).reshape(count, 4),
        "scores": np.linspace(0.9, 0.1, count, dtype=np.float32),
        "label_ids": np.array([item.label_id for item in classes], np.int64),
        "mids": np.array([item.mid for item in classes], np.str_),
        "names": np.array([item.name for item in classes], np.str_),
        "width": 200, "height": 100, "source": "photo.jpg", "classes": open_images(),
    } | changes  # fmt: skip
    return boxable.Detections(**fields)  # type: ignore[arg-type]


def test_it_counts_iterates_and_indexes() -> None:
    found = make()
    assert len(found) == 4
    assert [item.name for item in found] == list(NAMES)
    assert found[1].name == "Car"
    assert found[-1] == list(found)[-1]
    assert found[:2].names.tolist() == ["Person", "Car"]
    assert found[found.scores > 0.5].names.tolist() == ["Person", "Car"]
    with pytest.raises(IndexError):
        found[4]


def test_the_empty_result_is_a_result() -> None:
    empty = make(())
    assert len(empty) == 0
    assert list(empty) == []
    assert empty.to_rows() == []
    assert empty.ancestors == []
    assert repr(empty).endswith(": none>")
    assert len(empty.filter(classes="Car")) == 0


def test_filter_takes_classes_with_their_kinds_and_scores() -> None:
    found = make()
    assert found.filter(classes="Vehicle").names.tolist() == ["Car", "Car"]
    assert found.filter(classes="Person,-Woman").names.tolist() == ["Person"]
    assert found.filter(min_score=0.6).names.tolist() == ["Person", "Car"]
    with pytest.raises(UnknownClassError, match="did you mean"):
        found.filter(classes="Vehicel")
    for wrong in (-0.1, 1.1, "high", None):
        with pytest.raises(ArgumentError, match="min_score: expected a number from 0 to 1, got"):
            found.filter(min_score=wrong)  # type: ignore[arg-type]


def test_ancestors_are_named_nearest_first() -> None:
    assert make().ancestors == [(), ("Land vehicle", "Vehicle"), ("Person",), ("Land vehicle", "Vehicle")]


def test_to_dict_and_json_are_the_line_of_jsonl() -> None:
    record = json.loads(make().to_json())
    assert record == make().to_dict()
    assert list(record) == ["source", "image_id", "width", "height", "detections"]
    assert list(record["detections"][0]) == ["label_id", "mid", "name", "score", "box"]
    assert record["detections"][0]["label_id"] == 69
    assert make((), error="broken").to_dict()["error"] == "broken"


def test_rows_are_flat() -> None:
    assert list(make().to_rows()[0]) == ["source", "label_id", "mid", "name", "score", "ymin", "xmin", "ymax", "xmax"]


def test_the_representation_can_be_read() -> None:
    assert repr(make(("Cat",))) == "<1 Detection in photo.jpg (200x100): Cat 0.90>"
    assert repr(make()) == ("<4 Detections in photo.jpg (200x100): Person 0.90, Car 0.63, Woman 0.37, Car 0.10>")
    assert repr(make((), error="photo.jpg: no such file")) == "<Detections of photo.jpg: photo.jpg: no such file>"


@pytest.mark.parametrize("field", ["boxes", "label_ids", "mids", "names"])
def test_arrays_of_other_lengths_are_refused(field: str) -> None:
    with pytest.raises(ArgumentError, match=field):
        make(**{field: getattr(make(), field)[:2]})


def test_crops_have_the_size_of_their_boxes() -> None:
    boxes = np.array([[0, 0, 0.5, 1], [0.5, 0.5, 0.5, 0.5], [0.9, 0, 1, 0.1], [0, 0, 1, 1]], np.float32)
    crops = make(boxes=boxes).crops(np.zeros((100, 200, 3), np.uint8))
    assert [crop.size for crop in crops] == [(200, 50), (1, 1), (20, 10), (200, 100)]


def test_xyxy_are_pixels_in_an_array_of_its_own() -> None:
    found = make(boxes=np.tile(np.float32([0.1, 0.2, 0.3, 0.4]), (4, 1)))
    assert (found.xyxy.dtype, found.xyxy.shape) == (np.float32, (4, 4))
    np.testing.assert_allclose(found.xyxy[0], [40, 10, 80, 30], rtol=1e-6)
    found.xyxy[:] = 0
    assert found.boxes.all()
    assert (make(()).xyxy.dtype, make(()).xyxy.shape) == (np.float32, (0, 4))


@pytest.mark.parametrize(
    ("name", "format_"), [("a.png", "PNG"), ("new/a.JPG", "JPEG"), ("a.jpeg", "JPEG"), ("a.webp", "WEBP")]
)
def test_it_saves_itself_in_the_format_of_the_suffix(tmp_path: Path, name: str, format_: str) -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    make().save(tmp_path / name, image, labels=False)
    with Image.open(tmp_path / name) as saved:
        assert (saved.format, saved.size) == (format_, (200, 100))
        if format_ == "PNG":
            assert saved.tobytes() == make().draw(image, labels=False).tobytes()


@pytest.mark.parametrize("name", ["a.gif", "a", "a.txt"])
def test_another_suffix_is_refused_before_anything_is_drawn(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArgumentError, match=r"expected a name that ends in \.png, \.webp, \.jpg, \.jpeg"):
        make().save(str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_saved_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(boxable.BoxableError, match="cannot write"):
        make().save(tmp_path / "file" / "a.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(boxable.BoxableError, match="WEBP cannot hold 17000x1"):
        make().save(tmp_path / "a.webp", np.zeros((1, 17000, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_drawing_keeps_the_size_and_leaves_labels_off_if_asked() -> None:
    tiny = np.zeros((32, 32, 3), np.uint8)
    assert make().draw(tiny).size == (32, 32)
    assert make().draw(tiny, enlarge=True).size == (160, 160)
    large = np.zeros((400, 800, 3), np.uint8)
    with_labels, without = (np.asarray(make().draw(large, labels=labels)).any(axis=2).sum() for labels in (True, False))
    assert with_labels > without > 0
    assert np.asarray(make().draw(large, line_width=20, text_size=5)).any(axis=2).sum() > with_labels


def test_drawing_needs_the_picture() -> None:
    with pytest.raises(ImageError, match="pass it"):
        make().draw()
    drawn = make().draw(np.zeros((400, 800, 3), np.uint8))
    assert drawn.size == (800, 400)
    assert np.asarray(drawn).any()


@pytest.mark.parametrize("kind", ["path", "array", "float"])
def test_what_was_detected_draws_itself(detector: boxable.Detector, kind: str) -> None:
    with Image.open(EXAMPLES / "chelsea.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    picture = {"path": EXAMPLES / "chelsea.png", "array": pixels, "float": pixels.astype(np.float32) / 255}[kind]
    drawn = np.asarray(detector(picture).draw())
    assert drawn.shape == pixels.shape
    assert 0 < (drawn != pixels).any(axis=2).mean() < 0.2


def test_a_notebook_shows_picture_and_table(detector: boxable.Detector, tmp_path: Path) -> None:
    html = detector(EXAMPLES / "chelsea.png", min_score=0)._repr_html_()
    assert "data:image/jpeg;base64," in html
    assert html.count("<tr>") == 21
    assert "80 more" in html
    assert "<script>" not in make(source="<script>")._repr_html_()


@pytest.mark.optional
def test_pandas_gets_a_row_a_detection() -> None:
    frame = make().to_pandas()
    assert list(frame.columns) == list(make().to_rows()[0])
    assert frame["name"].tolist() == list(NAMES)
    empty = make(()).to_pandas()
    assert len(empty) == 0
    assert empty.dtypes.equals(frame.dtypes)


@pytest.mark.optional
@pytest.mark.filterwarnings("ignore")  # what the package says of itself when it is imported
def test_supervision_gets_pixels() -> None:
    found = make(boxes=np.tile(np.float32([0.1, 0.2, 0.3, 0.4]), (4, 1))).to_supervision()
    np.testing.assert_allclose(found.xyxy[0], [40, 10, 80, 30], rtol=1e-6)
    assert found.class_id.tolist() == make().label_ids.tolist()
    assert found.data["class_name"].tolist() == list(NAMES)


@pytest.mark.optional
@pytest.mark.filterwarnings("ignore")  # what the package says of itself when it is imported
def test_supervision_gets_arrays_of_its_own() -> None:
    found = make()
    other = found.to_supervision()
    for array in (other.xyxy, other.confidence, other.class_id, other.data["class_name"], other.data["mid"]):
        array[:] = array[-1]
    assert found.to_dict() == make().to_dict()


def test_without_an_extra_the_error_tells_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for package, method in (("pandas", "to_pandas"), ("supervision", "to_supervision")):
        monkeypatch.setitem(__import__("sys").modules, package, None)
        with pytest.raises(boxable.BoxableError, match=f"pip install '{package}'"):
            getattr(make(), method)()


def test_classes_of_other_origin_have_no_ancestors() -> None:
    classes = ClassList.from_names(["Gizmo"])
    found = make((), classes=classes)
    assert found.classes[0].label_id == 1001
