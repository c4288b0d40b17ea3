"""COCO JSON as ground truth and as predictions."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from boxable.errors import ArgumentError, BoxableError
from boxable.formats.annotations import Annotations, Predictions
from boxable.formats.coco_reading import CocoFile
from boxable.vocabulary import open_images

IMAGES = [
    {"id": 7, "file_name": "val/000000000139.jpg", "width": 400, "height": 200},
    {"id": 8, "file_name": "b.c.png", "width": 100, "height": 100},
]
CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 90, "name": "Toothbrush"}, {"id": 3, "name": "left arm"}]
BOX = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [50, 50, 350, 100], "iscrowd": 0}
OTHER = {"id": 2, "image_id": 8, "category_id": 3, "bbox": [0, 0, 12.5, 50], "iscrowd": 1}


def described(annotations: Any = (BOX, OTHER), *, images: Any = IMAGES, categories: Any = CATEGORIES) -> dict[str, Any]:
    return {"images": images, "annotations": annotations, "categories": categories}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "coco.json"


def annotations(path: Path, content: Any) -> Annotations:
    path.write_text(json.dumps(content))
    return CocoFile(path).annotations()


def annotations_or_error(path: Path, content: Any) -> Annotations | ArgumentError:
    try:
        return annotations(path, content)
    except ArgumentError as error:
        return error


def predictions(path: Path, content: Any, beside: Any = None) -> Predictions:
    path.write_text(json.dumps(content))
    if beside is None:
        return CocoFile(path).predictions(None)
    other = path.with_name("truth.json")
    other.write_text(json.dumps(beside))
    return CocoFile(path).predictions(CocoFile(other))


def test_ids_become_file_stems_and_boxes_shares_of_the_image(path: Path) -> None:
    found = annotations(path, described())
    assert found.boxes.image.strings() == ["val__000000000139", "b.c"]
    assert found.boxes.box.tolist() == [[0.25, 0.125, 0.75, 1.0], [0, 0, 0.5, 0.125]]
    assert found.boxes.group_of.tolist() == [0, 1]
    assert not found.boxes.difficult.any()
    assert found.sizes == {"val__000000000139": (400, 200), "b.c": (100, 100)}
    assert np.isnan(found.boxes.area).all()
    assert len(found.image_labels) == 0


def test_the_area_is_that_of_the_object_where_the_file_gives_one(path: Path) -> None:
    area = annotations(path, described([{**BOX, "area": 1234.5}, OTHER, {**BOX, "area": 0}])).boxes.area
    np.testing.assert_array_equal(area, [1234.5, np.nan, 0])


@pytest.mark.parametrize(
    ("files", "ids"),
    [
        (("a/1.jpg", "b/1.jpg", "2.jpg"), ["2", "a__1", "b__1"]),
        (("images\\1.jpg", ".\\b\\1.jpg"), ["1", "b__1"]),
        (("/home/me/set/images/x/1.jpg", "C:\\set\\1.png"), ["1", "x__1"]),
        (("../../upload/1.jpg", "a.x/1.v2.jpg"), ["a.x__1.v2", "upload__1"]),
    ],
)
def test_an_id_is_the_path_of_the_file_whatever_else_there_is(
    path: Path, files: tuple[str, ...], ids: list[str]
) -> None:
    images = [{"id": number, "file_name": name, "width": 400, "height": 200} for number, name in enumerate(files)]
    rows = [{**BOX, "image_id": number} for number in range(len(files))]
    assert annotations(path, described(rows, images=images)).images == ids
    found = predictions(path, [{**row, "score": 1} for row in rows], described(rows, images=images))
    assert sorted(found.image.strings()) == ids


def test_a_folder_of_the_set_begins_the_ids(path: Path) -> None:
    images = [*IMAGES, {"id": 9, "width": 1, "height": 1}, {"id": 10, "file_name": "/x/c.jpg"}]
    path.write_text(json.dumps(described(images=images)))
    assert list(CocoFile(path, "train").file_names) == ["train__val__000000000139", "train__b.c", "train__9", "c"]


def test_two_images_of_one_id_are_an_error_that_names_both(path: Path) -> None:
    images = [{"id": number, "file_name": f"x/a.{kind}"} for number, kind in enumerate(("jpg", "png"))]
    with pytest.raises(ArgumentError, match=r"'x/a\.jpg' \(image 0\) and 'x/a\.png' \(image 1\) .*the image id 'x__a'"):
        annotations(path, described([], images=images))


@pytest.mark.parametrize("number", [1, 1.0, "1"])
@pytest.mark.parametrize("other", [1, 1.0, "1"])
def test_an_id_is_the_same_as_a_number_and_as_text(path: Path, number: Any, other: Any) -> None:
    images = [{"id": number, "file_name": "a.jpg", "width": 400, "height": 200}]
    box = {**BOX, "image_id": other, "category_id": other}
    found = annotations(path, described([box], images=images, categories=[{"id": number, "name": "cat"}]))
    assert (found.boxes.image.strings(), found.boxes.label.strings()) == (["a"], ["/m/01yrx"])


def test_annotations_of_no_image_and_without_box_are_left_out_and_told(path: Path) -> None:
    strangers = [{**BOX, "id": 3, "image_id": 77}, {**BOX, "id": 4, "bbox": None}, {**BOX, "id": 5, "bbox": []}]
    path.write_text(json.dumps(described([BOX, *strangers])))
    file = CocoFile(path)
    assert len(file.annotations().boxes) == 1
    assert [str(finding) for finding in file.left_out] == [
        "1 box of an image that the COCO file does not describe (77): dropped",
        "2 annotations of the COCO file without a box or segmentation (4, 5): dropped",
    ]


def test_a_box_of_no_described_category_has_a_class_of_no_one(path: Path) -> None:
    found = annotations(path, described([{**BOX, "category_id": 77}]))
    assert found.boxes.label.strings() == ["category 77?"]
    assert len(found.classes) == 3


@pytest.mark.parametrize(
    ("content", "boxes"),
    [
        ({"images": IMAGES, "categories": CATEGORIES}, 0),
        ({"images": IMAGES, "annotations": None, "categories": None}, 0),
        ({"images": IMAGES, "annotations": [BOX]}, 1),
        ({"images": IMAGES, "annotations": [{**BOX, "iscrowd": None, "area": None}], "categories": CATEGORIES}, 1),
    ],
)
def test_pieces_may_be_missing(path: Path, content: Any, boxes: int) -> None:
    assert len(annotations(path, content).boxes) == boxes


def test_a_category_without_a_name_is_called_by_its_number(path: Path) -> None:
    assert annotations(path, described([BOX], categories=[{"id": 1}])).classes[0].name == "category 1"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (described([{**BOX, "bbox": [1, 2, 3]}]), "COCO annotation 1: .*expected bbox"),
        (described([{**BOX, "bbox": "1234"}]), ""),
        (described([{**BOX, "bbox": 5}]), "COCO annotation 1: "),
        (described([{**BOX, "bbox": ["a", 0, 1, 1]}]), "COCO annotation 1: could not convert"),
        (described([{**BOX, "bbox": None, "segmentation": [[1]]}]), "COCO annotation 1: a polygon"),
        (described([{**BOX, "bbox": None, "segmentation": {"counts": [1]}}]), "COCO annotation 1: 'size'"),
        (described([BOX, 5]), "annotation number 1 of COCO is '5'"),
        (described(images=["x"]), "image number 0 of COCO is 'x'"),
        (described(categories=[None]), "category number 0 of COCO is 'None'"),
        (described([{**BOX, "image_id": [1]}]), "the id"),
        (described([{"id": 1, "bbox": [0, 0, 1, 1], "category_id": 1}]), "no 'image_id'; expected COCO JSON"),
        ({"categories": CATEGORIES}, "no 'annotations'; expected COCO JSON"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(path: Path, content: Any, says: str) -> None:
    found = annotations_or_error(path, content)
    if says:
        assert re.match(rf"{re.escape(str(path))}: .*{says}", str(found)), found


@pytest.mark.parametrize("sides", [{}, {"width": None, "height": 0}, {"width": 16}])
def test_a_size_that_is_missing_is_that_of_the_image(path: Path, sides: dict[str, Any]) -> None:
    Image.new("RGB", (16, 8)).save(path.with_name("a.png"))
    images = [{"id": 7, "file_name": "a.png", **sides}]
    found = annotations(path, described([{**BOX, "bbox": [4, 2, 8, 4]}], images=images))
    assert (found.sizes, found.boxes.box.tolist()) == ({"a": (16, 8)}, [[0.25, 0.25, 0.75, 0.75]])


def test_categories_are_classes_of_open_images_by_name_and_others_their_own(path: Path) -> None:
    found = annotations(path, described())
    assert found.boxes.label.strings() == ["/m/01yrx", "user/left-arm"]
    assert [(item.mid, item.name) for item in found.classes] == [
        ("/m/01yrx", "Cat"), ("/m/012xff", "Toothbrush"), ("user/left-arm", "left arm"),
    ]  # fmt: skip


def test_the_mouse_of_coco_is_the_device(path: Path) -> None:
    office = [{"id": 74, "name": "mouse"}, {"id": 73, "name": "laptop"}, {"id": 75, "name": "remote"}]
    found = annotations(path, described([{**BOX, "category_id": 74}], categories=office))
    assert found.boxes.label.strings() == ["/m/020lf"]


@pytest.mark.parametrize(
    ("category", "mid", "name"),
    [
        ({"name": "CAT"}, "/m/01yrx", "Cat"),
        ({"name": "Katze", "mid": "/m/01yrx"}, "/m/01yrx", "Cat"),
        ({"name": "cat", "mid": "user/our-cat"}, "user/our-cat", "cat"),
        ({"name": "cat", "mid": ""}, "/m/01yrx", "Cat"),
        ({"name": " Left  arm"}, "user/left-arm", "Left arm"),
        ({"name": "dining table"}, "user/dining-table", "dining table"),
        ({"name": "信号", "supercategory": "x"}, "user/信号", "信号"),
        ({"name": "122"}, "user/122", "122"),
        ({"name": "7"}, "user/7", "7"),
    ],
)
def test_a_mid_goes_before_the_name_and_a_number_is_a_name_like_any(
    path: Path, category: dict[str, str], mid: str, name: str
) -> None:
    found = annotations(path, described([BOX], categories=[{"id": 1, **category}]))
    assert found.boxes.label.strings() == [mid]
    assert [(item.mid, item.name) for item in found.classes] == [(mid, name)]


def test_two_categories_of_one_name_are_one_class(path: Path) -> None:
    categories = [{"id": 1, "name": "cat"}, {"id": 3, "name": "Cat"}]
    found = annotations(path, described(categories=categories))
    assert found.boxes.label.strings() == ["/m/01yrx"] * 2
    assert len(found.classes) == 1


def test_two_categories_that_differ_stay_two_classes_however_alike(path: Path) -> None:
    categories = [{"id": 1, "name": "C++"}, {"id": 3, "name": "C#"}]
    found = annotations_or_error(path, described(categories=categories))
    if isinstance(found, ArgumentError):
        assert str(found).startswith(f"{path}: ")
    else:
        assert len(set(found.boxes.label.strings())) == 2


@pytest.mark.parametrize(
    "mids", [("user/a", "user/b"), ("user/a", "user/A")], ids=["one name, two MIDs", "MIDs but for case"]
)
def test_categories_that_contradict_each_other_are_an_error_that_names_the_file(
    path: Path, mids: tuple[str, str]
) -> None:
    names = ("arm", "arm") if mids[1] == "user/b" else ("arm", "leg")
    categories = [{"id": i, "name": name, "mid": mid} for i, (name, mid) in enumerate(zip(names, mids, strict=True))]
    with pytest.raises(ArgumentError) as caught:
        annotations(path, described(categories=categories))
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("content", "boxes"),
    [(described([]), 0), (described([], images=[], categories=[]), 0), (described([BOX] * 3), 3)],
)
def test_any_number_of_boxes_is_read(path: Path, content: Any, boxes: int) -> None:
    found = annotations(path, content)
    assert found.boxes.box.shape == (boxes, 4)
    assert len(predictions(path, {**content, "annotations": []})) == 0


def test_an_image_without_a_name_has_its_number_as_id(path: Path) -> None:
    assert annotations(path, described([BOX], images=[{"id": 7, "width": 400, "height": 200}])).images == ["7"]


@pytest.mark.parametrize("number", ["a.v2", "x/y", 1.5])
def test_a_number_of_an_image_is_taken_whole(path: Path, number: Any) -> None:
    images = [{"id": number, "width": 400, "height": 200}]
    assert annotations(path, described([{**BOX, "image_id": number}], images=images)).images == [
        str(number).replace("/", "__")
    ]


def test_predictions_may_describe_themselves(path: Path) -> None:
    found = predictions(path, described([{**BOX, "score": 0.5}, {**OTHER, "score": 1}]))
    assert (found.image.strings(), found.score.tolist()) == (["val__000000000139", "b.c"], [0.5, 1])
    assert found.label.strings() == ["/m/01yrx", "user/left-arm"]
    assert found.box.tolist() == [[0.25, 0.125, 0.75, 1.0], [0, 0, 0.5, 0.125]]


def test_a_list_of_results_is_read_with_the_ground_truth(path: Path) -> None:
    results = [{"image_id": 8, "category_id": 90, "bbox": [10, 20, 30, 40], "score": 0.25}]
    found = predictions(path, results, described())
    assert (found.image.strings(), found.label.strings()) == (["b.c"], ["/m/012xff"])
    assert (found.score.tolist(), found.box.ravel()) == ([0.25], pytest.approx([0.2, 0.1, 0.6, 0.4]))
    assert len(predictions(path, [], described())) == 0


def test_a_list_of_results_alone_is_an_error_that_says_what_is_missing(path: Path) -> None:
    for content in ([], [{**BOX, "score": 1}]):
        with pytest.raises(ArgumentError, match="expected COCO ground truth beside it") as caught:
            predictions(path, content)
        assert str(caught.value).startswith(f"{path}: a list of results names images by number;")
        with pytest.raises(ArgumentError, match="expected a COCO object with images and categories"):
            annotations(path, content)


def test_unknown_ids_in_results_are_no_image_and_no_class_of_the_ground_truth(path: Path) -> None:
    images = [{"id": 1, "file_name": "2.jpg", "width": 1, "height": 1}]  # whose name is another image's number
    results = [{"image_id": 2, "category_id": 77, "bbox": [0, 0, 1, 1], "score": 1}]
    truth = described([], images=images)
    found = predictions(path, results, truth)
    assert len(found) == 1
    assert found.image.strings()[0] not in annotations(path, truth).sizes
    assert open_images().get(found.label.strings()[0]) is None


HUGE = 10**400


@pytest.mark.parametrize("boxes", [[], [BOX]], ids=["without boxes", "with a box"])
@pytest.mark.parametrize("width", [None, "wide", float("inf"), HUGE], ids=["null", "text", "infinite", "huge"])
def test_a_size_that_no_image_has_is_an_error_or_unknown(path: Path, width: Any, boxes: Any) -> None:
    found = annotations_or_error(path, described(boxes, images=[{**IMAGES[0], "width": width}]))
    if isinstance(found, ArgumentError):
        assert str(found).startswith(f"{path}: ")
    else:
        assert found.sizes["val__000000000139"][0] == 0


@pytest.mark.parametrize("bbox", [[float("nan"), 0, 1, 1], [1e308, 0, 1e308, 1], [-1e308, 0, float("inf"), 1]])
def test_numbers_that_are_none_are_left_to_the_evaluation(path: Path, bbox: list[float]) -> None:
    assert not np.isfinite(annotations(path, described([{**BOX, "bbox": bbox}])).boxes.box).all()
    found = predictions(path, described([{**BOX, "bbox": bbox, "score": float("nan")}]))
    assert np.isnan(found.score).all()
    assert not np.isfinite(found.box).all()


def test_an_image_without_a_size_gives_boxes_that_are_no_numbers(path: Path) -> None:
    assert not np.isfinite(annotations(path, described([BOX], images=[{**IMAGES[0], "width": 0}])).boxes.box).all()


@pytest.mark.parametrize(
    "data", [b"", b'{"a":', b"\xff\xfe\0", b"ImageID,LabelName\n", b"[" * 100_000, b"[1" + b"0" * 5000 + b"]"]
)
def test_what_is_no_json_is_an_error_that_names_the_file(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(ArgumentError) as caught:
        CocoFile(path)
    assert str(caught.value).startswith(f"{path}: no JSON (")


def test_no_such_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no such file"):
        CocoFile(tmp_path / "none.json")
    with pytest.raises(BoxableError, match="cannot read it"):
        CocoFile(tmp_path)


def test_a_prediction_without_a_box_is_named(path: Path) -> None:
    boxless = {"id": 5, "image_id": 7, "category_id": 1, "score": 0.5}
    found = predictions(path, described([{**BOX, "score": 0.5}, boxless]))
    assert len(found) == 1
    assert [str(note) for note in found.notes] == [
        "1 annotation of the COCO file without a box or segmentation (5): dropped"
    ]
