"""What `boxable detect` writes is read back, whatever the format."""

from pathlib import Path

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.formats import FORMATS, ImageRecord
from boxable.formats.reading import holds_predictions, read_predictions
from boxable.formats.rows import write_classes
from boxable.formats.yolo import data_yaml, yolo_lines
from tests.formats.records import ARM, BROKEN, CAT, CLASSES, EMPTY, image_record

RECORDS: list[ImageRecord] = [
    {**image_record("/photos/cam1/0001.jpg", CAT, ARM), "image_id": "cam1__0001"},
    {**image_record("/photos/cam2/0001.jpg", ARM), "image_id": "cam2__0001"},
    image_record("/photos/a.b 名.png", CAT), EMPTY, BROKEN,
]  # fmt: skip


def written(folder: Path, name: str) -> Path:
    if name == "yolo":
        (folder / "labels").mkdir()
        (folder / "data.yaml").write_text(data_yaml(CLASSES, {}), "utf-8")
        write_classes(((item.mid, item.name) for item in CLASSES), folder / "classes.csv")
        for record in RECORDS[:-1]:
            (folder / "labels" / f"{record['image_id']}.txt").write_text(yolo_lines(record, CLASSES))
        return folder
    path = folder / f"found{FORMATS[name][1]}"
    path.write_text("".join(FORMATS[name][0](RECORDS, CLASSES)), "utf-8")
    return path


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "table"])
def test_every_format_gives_images_classes_boxes_and_scores_back(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name)
    assert holds_predictions(path)
    found = read_predictions(path)
    expected = [(record["image_id"], item) for record in RECORDS for item in record["detections"]]
    order = sorted(range(len(found)), key=lambda row: (found.image.strings()[row], found.label.strings()[row]))
    expected.sort(key=lambda pair: (pair[0], pair[1]["mid"]))
    assert [found.image.strings()[row] for row in order] == [image for image, _ in expected]
    assert [found.label.strings()[row] for row in order] == [item["mid"] for _, item in expected]
    np.testing.assert_allclose(found.box[order], [item["box"] for _, item in expected], atol=1e-9)
    np.testing.assert_allclose(found.score[order], [item["score"] for _, item in expected], atol=1e-9)


def test_the_text_file_of_yolo_stands_for_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "detections.yolo.txt"
    path.write_text("".join(FORMATS["yolo"][0](RECORDS, CLASSES)), "utf-8")
    assert not holds_predictions(path)
    folder = written(tmp_path, "yolo")
    assert holds_predictions(path)
    assert sorted(read_predictions(path).image.strings()) == sorted(read_predictions(folder).image.strings())


@pytest.mark.parametrize("name", ["json", "jsonl", "csv"])
def test_detections_of_two_images_with_one_id_are_refused(tmp_path: Path, name: str) -> None:
    two = [{**image_record(f"bus.{suffix}", CAT), "image_id": "bus"} for suffix in ("jpg", "png")]
    path = tmp_path / f"found{FORMATS[name][1]}"
    path.write_text("".join(FORMATS[name][0](two, CLASSES)), "utf-8")
    with pytest.raises(ArgumentError, match=r"bus\.jpg and bus\.png have the same image id 'bus'; rename"):
        read_predictions(path)


@pytest.mark.parametrize("name", ["json", "jsonl", "csv"])
def test_nothing_found_is_no_predictions(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"found{FORMATS[name][1]}"
    path.write_text("".join(FORMATS[name][0]([EMPTY], CLASSES)))
    assert len(read_predictions(path)) == 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", '{"source": "a"}\n', "no 'detections'; expected records"),
        ("a.jsonl", "\n{\n", "a.jsonl, line 2: no JSON"),
        ("a.json", '[{"source": "a", "detections": [1]}]', "expected records"),
        ("labels/a.txt", "0 0.5 0.5 1 1\n", "a.txt, line 1: expected class, centre x and y, width, height and score"),
        ("labels/a.txt", "\n7 0.5 0.5 1 1 1\n", "a.txt, line 2: class '7'; expected a number that data.yaml names"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_its_place(tmp_path: Path, name: str, content: str, says: str) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("names:\n  0: Cat\n")
    (tmp_path / name).write_text(content)
    with pytest.raises(ArgumentError, match=says):
        read_predictions(tmp_path if name.startswith("labels") else tmp_path / name)
