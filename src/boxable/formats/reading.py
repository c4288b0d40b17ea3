"""Read predictions of any format."""

from pathlib import Path

from boxable.errors import ArgumentError
from boxable.formats.annotated.coco_folder import only_file
from boxable.formats.annotations import Predictions
from boxable.formats.coco_reading import CocoFile
from boxable.formats.detections_reading import (
    holds_records,
    is_label_folder,
    read_detection_table,
    read_label_folder,
    read_records,
)
from boxable.formats.openimages_reading import read_prediction_table
from boxable.formats.tables import SUFFIXES, column_names, is_table


def read_predictions(path: Path, ground_truth: Path | None = None) -> Predictions:
    """Read predictions: an Open Images table, COCO JSON, or what `boxable detect` writes in any format but table.

    A list of COCO results needs the COCO ground truth. Of `detect --format yolo --out` the folder or the file in it.
    """
    path = _folder_of_labels(path)
    if path.is_dir():
        return read_label_folder(path)
    if _is_json(path) and holds_records(path):
        return read_records(path)
    if _is_coco(path):
        file = CocoFile(path)
        described_by = _coco_file(ground_truth) if file.only_results and ground_truth else None
        return file.predictions(CocoFile(described_by) if described_by else None)
    _check_table(path)
    return read_detection_table(path) if "mid" in column_names(path) else read_prediction_table(path)


def holds_predictions(path: Path) -> bool:
    """Tell by its name whether `read_predictions` reads a file, or by the names in it, a folder."""
    return _is_json(path) or is_table(path) or is_label_folder(_folder_of_labels(path))


def _folder_of_labels(path: Path) -> Path:
    """Return the folder with the label files of `detections.yolo.txt`, which has the same boxes; else the path."""
    is_beside_them = path.name.lower().endswith(".yolo.txt") and is_label_folder(path.parent)
    return path.parent if is_beside_them else path


def _coco_file(ground_truth: Path) -> Path | None:
    """Find the COCO file of a set that is one, or that has one in its folder."""
    return ground_truth if ground_truth.is_file() and _is_coco(ground_truth) else only_file(ground_truth)


def _is_json(path: Path) -> bool:
    return path.name.lower().endswith((".json", ".jsonl"))


def _is_coco(path: Path) -> bool:
    return path.name.lower().endswith(".json")


def _check_table(path: Path) -> None:
    if not path.exists():
        raise ArgumentError(f"{path}: no such file or folder")
    if not is_table(path):
        raise ArgumentError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)} or .json, or a folder")
