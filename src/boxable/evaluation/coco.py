"""COCO's mean AP, by the library that COCO's own users keep, so that numbers stand beside other detectors'."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boxable.errors import MissingExtraError
from boxable.evaluation.matching import Problem

# What COCO reports, in the order in which the library gives it.
_SUMMARY = (
    "AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large",
    "AR1", "AR10", "AR100", "AR_small", "AR_medium", "AR_large",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CocoFigures:
    """`average_precisions` float64 `[C]`: AP at IoU 0.50:0.95, NaN without ground truth and where not asked for.

    `summary` is COCO's; figures by size are None where the sizes of images are not known.
    """

    average_precisions: NDArray[np.float64]
    summary: dict[str, float | None]


def coco_figures(problem: Problem, sizes: dict[str, tuple[int, int]], columns: Sequence[int]) -> CocoFigures:
    """COCO's metric over the classes in these columns.

    IoU 0.50 to 0.95, 101 recall points, at most 100 detections an image and class, group-of boxes as crowds.

    Raises MissingExtraError without the library.
    """
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError:
        raise MissingExtraError("the COCO protocol", "boxable[evaluate]") from None

    pixels = np.array([sizes.get(image, (0, 0)) for image in problem.images], np.float64).reshape(-1, 2)
    known_sizes = bool((pixels > 0).all())
    if not known_sizes:
        pixels = np.ones_like(pixels)
    truth = COCO(
        {
            "images": [{"id": number + 1} for number in range(len(problem.images))],
            "categories": [{"id": number + 1, "name": mid} for number, mid in enumerate(problem.mids)],
            "annotations": _annotations(problem, pixels),
        }
    )
    evaluation = COCOeval_faster(truth, truth.loadRes(_results(problem, pixels)), "bbox", extra_calc=False)
    evaluation.params.catIds = [column + 1 for column in columns]
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    # Precision [IoU, recall, class, area, detections]: all areas, 100 detections; -1 where there is no ground truth.
    precision = evaluation.eval["precision"][:, :, :, 0, -1].astype(np.float64)
    aps = np.full(len(problem.mids), np.nan)
    aps[list(columns)] = np.where((precision > -1).any(axis=(0, 1)), precision.mean(axis=(0, 1)), np.nan)
    figures = dict(zip(_SUMMARY, evaluation.stats[: len(_SUMMARY)].tolist(), strict=True))
    by_size = ("small", "medium", "large")
    summary = {
        name: None if value < 0 or (name.endswith(by_size) and not known_sizes) else value
        for name, value in figures.items()
    }
    return CocoFigures(aps, summary)


def _annotations(problem: Problem, pixels: NDArray[np.float64]) -> list[dict[str, object]]:
    boxes = _xywh(problem.truth_box, pixels[problem.truth_image]).tolist()
    columns = zip(
        boxes, problem.truth_image.tolist(), problem.truth_label.tolist(), problem.truth_group_of.tolist(), strict=True
    )
    return [
        {
            "id": number, "image_id": image + 1, "category_id": label + 1, "bbox": box,
            "area": box[2] * box[3], "iscrowd": int(crowd),
        }
        for number, (box, image, label, crowd) in enumerate(columns, start=1)
    ]  # fmt: skip


def _results(problem: Problem, pixels: NDArray[np.float64]) -> list[dict[str, object]]:
    boxes = _xywh(problem.box, pixels[problem.image]).tolist()
    columns = zip(boxes, problem.image.tolist(), problem.label.tolist(), problem.score.tolist(), strict=True)
    return [
        {"image_id": image + 1, "category_id": label + 1, "bbox": box, "score": score}
        for box, image, label, score in columns
    ]


def _xywh(boxes: NDArray[np.float64], pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes `[N, 4]` as x, y, width, height in pixels; `pixels` `[N, 2]` is width and height of their images."""
    ymin, xmin, ymax, xmax = boxes.T
    width, height = pixels.T
    return np.stack([xmin * width, ymin * height, (xmax - xmin) * width, (ymax - ymin) * height], axis=1)
