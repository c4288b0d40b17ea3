"""One id for an image in every output and verb: its path below the folder."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES

FILES = {"json": "detections.json", "jsonl": "detections.jsonl", "csv": "detections.csv",
         "openimages": "detections.openimages.csv", "coco": "detections.coco.json", "yolo": ""}  # fmt: skip


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    """COCO ground truth beside images/, in which two images have one name."""
    images, annotations = [], []
    for number, (name, size, category) in enumerate([("chelsea", (451, 300), 1), ("astronaut", (512, 512), 2)], 1):
        file_name = f"cam{number}/0001.png"
        (tmp_path / "images" / file_name).parent.mkdir(parents=True)
        shutil.copy2(EXAMPLES / f"{name}.png", tmp_path / "images" / file_name)
        images.append({"id": number, "file_name": file_name, "width": size[0], "height": size[1]})
        box = [0, 0, size[0] * 0.9, size[1]]
        annotations.append({"id": number, "image_id": number, "category_id": category, "bbox": box, "iscrowd": 0,
                            "area": box[2] * box[3]})  # fmt: skip
    categories = [{"id": 1, "name": "Cat"}, {"id": 2, "name": "Person"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "gt.json").write_text(json.dumps(content))
    return tmp_path / "gt.json"


def figures(out: Path) -> dict[str, float]:
    content = json.loads((out / "metrics.json").read_bytes())
    assert content["images"] == 2
    return {row["name"]: row["AP"] for row in content["classes"].values() if row["AP"] is not None}


@pytest.mark.usefixtures("ssd23_weights")
def test_a_set_with_folders_is_measured_alike_by_a_model_and_from_every_output(
    invoke: Invoke, truth: Path, tmp_path: Path
) -> None:
    options = ("--protocol", "pascal", "--resamples", "0", "--classes", "Cat,Person")
    assert invoke("evaluate", truth, "ssd23", *options, "--out", tmp_path / "model").code == 0
    expected = figures(tmp_path / "model")
    assert expected["Cat"] == 1
    for name, file in FILES.items():
        out = tmp_path / name
        found = invoke("detect", tmp_path / "images", "--model", "ssd23", "--min-score", "0", "--format", name,
                       "--out", out, "--no-save-images")  # fmt: skip
        assert found.code == 0, found.stderr
        result = invoke("evaluate", truth, out / file, *options, "--out", tmp_path / f"{name}-evaluated")
        assert result.code == 0, result.stderr
        assert figures(tmp_path / f"{name}-evaluated") == pytest.approx(expected), name


def test_the_folder_of_a_coco_file_is_measured_as_the_file_is(invoke: Invoke, truth: Path, tmp_path: Path) -> None:
    results = [{"image_id": number, "category_id": number, "bbox": [0, 0, 400, 300], "score": 0.5} for number in (1, 2)]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "found.json").write_text(json.dumps(results))
    shown = [
        invoke("evaluate", path, tmp_path / "out" / "found.json", "--protocol", "coco").stdout
        for path in (truth, tmp_path)
    ]
    assert "mAP 0." in shown[0]
    assert shown[0] == shown[1]


@pytest.mark.usefixtures("ssd23_weights")
def test_files_are_named_by_the_id_and_class_numbers_by_data_yaml(invoke: Invoke, truth: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = invoke("detect", tmp_path / "images", "--model", "ssd23", "--format", "yolo", "--out", out, "--save-crops")
    assert done.code == 0
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {"data.yaml", "classes.csv", "cam1__0001.png", "cam2__0001.png"} < names
    assert {"labels/cam1__0001.txt", "labels/cam2__0001.txt", "crops/cat/cam1__0001-1.png"} < names
    number = (out / "labels" / "cam1__0001.txt").read_text().split()[0]
    assert f'  {number}: "Cat"\n' in (out / "data.yaml").read_text()


@pytest.mark.usefixtures("ssd23_weights")
@pytest.mark.parametrize(
    "options", [["--out", "out"], *(["--format", name] for name in ("openimages", "coco", "yolo"))]
)
def test_two_images_of_one_id_are_one_error_before_any_work(
    invoke: Invoke, truth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("detect", "images/cam1/0001.png", "images/cam2/0001.png", "--model", "ssd23", *options)
    assert (result.code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "images/cam1/0001.png and images/cam2/0001.png both have the image id '0001'" in result.stderr
    assert not (tmp_path / "out").exists()
