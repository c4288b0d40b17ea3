"""The other tools that evaluation.py measures: the original in an interpreter of its own, and hotcoco."""

import csv
import json
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from evaluation_data import Set
from numpy.typing import NDArray

from boxable.formats.annotations import Annotations, Predictions
from boxable.formats.expansion import expand
from boxable.metrics.evaluate import Evaluation
from boxable.vocabulary import open_images, open_images_hierarchy

# The loop of oid_challenge_evaluation.py, with its own functions for the dictionaries of an image. Three adaptations to
# these versions, none of which changes a number: np.float and np.bool are gone from NumPy, its protobuf files need the
# pure-Python implementation, and it subtracts 1 in place, which newer pandas' read-only arrays do not allow.
ORIGINAL = """
import csv, json, os, sys, time
os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
np.float, np.bool = float, bool
import pandas as pd
from object_detection.metrics import oid_challenge_evaluation_utils as utils
from object_detection.utils import object_detection_evaluation

def adapted(dictionary):
    return {key: value.astype(np.int64) if value.dtype.kind in "iuO" else value for key, value in dictionary.items()}

def now():
    return np.array([time.perf_counter(), time.process_time()])

os.chdir(sys.argv[1])
boxes, labels, predictions = (pd.read_csv(name, float_precision="round_trip") for name in sys.argv[2:5])
labels = labels.rename(columns={"Confidence": "ConfidenceImageLabel"})
with open(sys.argv[5]) as file:
    numbers = {mid: int(number) for number, mid in csv.reader(file)}
categories = [{"id": number, "name": mid} for mid, number in numbers.items()]
start, building = now(), np.zeros(2)
evaluator = object_detection_evaluation.OpenImagesChallengeEvaluator(categories)
for image, rows in pd.concat([boxes, labels]).groupby("ImageID"):
    before = now()
    truth = adapted(utils.build_groundtruth_dictionary(rows, numbers))
    found = adapted(utils.build_predictions_dictionary(predictions.loc[predictions["ImageID"] == image], numbers))
    building += now() - before
    evaluator.add_single_ground_truth_image_info(image, truth)
    evaluator.add_single_detected_image_info(image, found)
metrics = evaluator.evaluate()
total = now() - start
[mean] = [value for name, value in metrics.items() if name.endswith("mAP@0.5IOU")]
aps = {name.split("AP@0.5IOU/", 1)[1]: float(value) for name, value in metrics.items() if "AP@0.5IOU/" in name}
print(json.dumps({"mean": mean, "aps": aps, "total": list(total), "alone": list(total - building)}))
"""
TABLES = ("boxes.csv", "labels.csv", "predictions.csv", "classes.csv")


@dataclass(frozen=True, slots=True)
class OriginalRun:
    """Wall and CPU seconds from tables in memory to APs; `alone` without building the dictionaries of each image."""

    mean_ap: float
    aps: dict[str, float]
    total: tuple[float, float]
    alone: tuple[float, float]


def has_original(python: Path) -> bool:
    """Whether this interpreter is there and has the original."""
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('object_detection') is None)"
    return python.exists() and subprocess.run([python, "-c", code]).returncode == 0


def original(python: Path, whole: Set) -> OriginalRun:
    """Run the original on this set with expanded ground truth; reading and start-up are not timed."""
    with tempfile.TemporaryDirectory() as folder:
        _write_tables(whole, Path(folder))
        command = [python, "-c", ORIGINAL, folder, *TABLES]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{python} cannot run the original:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    return OriginalRun(result["mean"], result["aps"], tuple(result["total"]), tuple(result["alone"]))


def _write_tables(whole: Set, folder: Path) -> None:
    truth, predictions = expand(whole[0], open_images_hierarchy())[0], whole[1]
    labels = truth.image_labels
    contents = {
        "boxes.csv": (("IsGroupOf",), truth.boxes, (truth.boxes.group_of.tolist(),)),
        "labels.csv": (("Confidence",), labels, (labels.confidence.astype(int).tolist(),)),
        "predictions.csv": (("Score",), predictions, (predictions.score.tolist(),)),
    }
    for name, (header, rows, columns) in contents.items():
        header = ("ImageID", "LabelName", *header)
        columns = (rows.image.strings(), rows.label.strings(), *columns)
        if rows is not labels:
            header, columns = (*header, "YMin", "XMin", "YMax", "XMax"), (*columns, *rows.box.T.tolist())
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([header, *zip(*columns, strict=True)])
    with (folder / "classes.csv").open("w", newline="") as file:
        csv.writer(file).writerows((item.label_id, item.mid) for item in open_images())


class Hotcoco:
    """hotcoco's Open Images mode on ground truth that is expanded before, and its numbers.

    It gets no hierarchy: its own expansion takes the root of the hierarchy for a class (so the mean is over one more)
    and drops boxes that equal another. A group-of box counts 1, as in the Challenge; it has no verified labels. It has
    one thread a core.
    """

    def __init__(self, truth: Annotations, predictions: Predictions) -> None:
        import hotcoco

        images = {image: number for number, image in enumerate(truth.images, start=1)}
        classes = {item.mid: item.label_id for item in [*open_images(), *truth.classes]}
        boxes = truth.boxes
        annotations = zip(
            [images[image] for image in boxes.image.strings()], [classes[mid] for mid in boxes.label.strings()],
            _xywh(boxes.box).tolist(), (boxes.group_of != 0).tolist(), strict=True,
        )  # fmt: skip
        # Boxes stay normalized: nothing that is measured here depends on the unit.
        self._dataset = {
            "images": [{"id": number, "width": 1, "height": 1} for number in images.values()],
            "categories": [{"id": number, "name": mid} for mid, number in classes.items()],
            "annotations": [
                {"id": number, "image_id": image, "category_id": label, "bbox": box, "area": box[2] * box[3],
                 "iscrowd": 0, "is_group_of": group_of}
                for number, (image, label, box, group_of) in enumerate(annotations, start=1)
            ],
        }  # fmt: skip
        image_numbers = np.array([images.get(image, 0) for image in predictions.image.values])
        class_numbers = np.array([classes[mid] for mid in predictions.label.values])
        self._results = np.column_stack(
            [image_numbers[predictions.image.codes], _xywh(predictions.box), predictions.score,
             class_numbers[predictions.label.codes]]
        )  # fmt: skip
        self._package = hotcoco
        self._truth, self._found = self.load()

    def load(self) -> tuple[Any, Any]:
        """Dictionaries of the ground truth and an array of the results as its own objects, with their indices."""
        truth = self._package.COCO(self._dataset)
        return truth, truth.load_res(self._results)

    def evaluate(self) -> Any:
        """Match, accumulate and summarise; gives its evaluation."""
        with warnings.catch_warnings(action="ignore"):
            evaluation = self._package.COCOeval(self._truth, self._found, "bbox", oid_style=True)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return evaluation

    def aps(self) -> dict[str, float]:
        """AP of each class with ground truth, by MID."""
        return self.evaluate().results(per_class=True)["per_class"]


def _xywh(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return boxes[:, [1, 0, 3, 2]] - np.pad(boxes[:, [1, 0]], ((0, 0), (2, 0)))


def differences(evaluation: Evaluation, aps: dict[str, float]) -> NDArray[np.float64]:
    """How far the APs of the classes are from another tool's; 1 where only one of them has an AP."""
    ours = {result.item.mid: result.ap for result in evaluation.scored}
    theirs = {mid: ap for mid, ap in aps.items() if not np.isnan(ap)}
    return np.array([abs(ours[m] - theirs[m]) if m in ours and m in theirs else 1.0 for m in {*ours, *theirs}])
