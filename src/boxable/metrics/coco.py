"""COCO's mean AP, by the library that COCO's own users keep, so that numbers stand beside other detectors'."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boxable.arrays import Doubles, Mask
from boxable.errors import MissingExtraError
from boxable.metrics.matching import EvaluationData

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

    average_precisions: Doubles
    summary: dict[str, float | None]


def coco_figures(data: EvaluationData, sizes: dict[str, tuple[int, int]], columns: Sequence[int]) -> CocoFigures:
    """Compute COCO's metric over the classes in these columns.

    IoU 0.50 to 0.95, 101 recall points, at most 100 detections an image and class, group-of boxes as crowds.

    Raises MissingExtraError without the library.
    """
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError:
        raise MissingExtraError("the COCO protocol", "boxable[evaluate]") from None

    pixels = np.array([sizes.get(image, (0, 0)) for image in data.images], np.float64).reshape(-1, 2)
    known_sizes = bool((pixels > 0).all())
    if not known_sizes:
        pixels = np.ones_like(pixels)
    present = np.union1d(data.truth_label, data.label)
    columns = [column for column in columns if column in set(present.tolist())]
    wanted = np.isin(np.arange(len(data.mids)), columns)
    truth = COCO(
        {
            "images": [{"id": number + 1} for number in range(len(data.images))],
            "categories": [{"id": column + 1, "name": data.mids[column]} for column in columns],
            "annotations": _annotations(data, pixels, wanted[data.truth_label]),
        }
    )
    results = truth.loadRes(_results(data, pixels, wanted[data.label]))
    evaluation = COCOeval_faster(truth, results, "bbox", extra_calc=False)
    evaluation.params.catIds = [column + 1 for column in columns]
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    # Precision [IoU, recall, class, area, detections]: all areas, 100 detections; -1 where there is no ground truth.
    precision = evaluation.eval["precision"][:, :, :, 0, -1].astype(np.float64)
    aps = np.full(len(data.mids), np.nan)
    aps[list(columns)] = np.where((precision > -1).any(axis=(0, 1)), precision.mean(axis=(0, 1)), np.nan)
    figures = dict(zip(_SUMMARY, evaluation.stats[: len(_SUMMARY)].tolist(), strict=True))
    by_size = ("small", "medium", "large")
    summary = {
        name: None if value < 0 or (name.endswith(by_size) and not known_sizes) else value
        for name, value in figures.items()
    }
    return CocoFigures(aps, summary)


def _annotations(data: EvaluationData, pixels: Doubles, rows: Mask) -> list[dict[str, object]]:
    """Convert ground-truth rows to COCO annotations; the area is the object's own where it is known."""
    image, label = data.truth_image[rows], data.truth_label[rows]
    boxes = _xywh(data.truth_box[rows], pixels[image])
    areas = np.where(np.isnan(data.truth_area[rows]), boxes[:, 2] * boxes[:, 3], data.truth_area[rows])
    columns = (image + 1, label + 1, boxes, areas, data.truth_group_of[rows].astype(int))
    return [
        {"id": number, "image_id": image_id, "category_id": label_id, "bbox": box, "area": area, "iscrowd": crowd}
        for number, (image_id, label_id, box, area, crowd) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True), start=1
        )
    ]


def _results(data: EvaluationData, pixels: Doubles, rows: Mask) -> list[dict[str, object]]:
    image, label = data.image[rows], data.label[rows]
    columns = (image + 1, label + 1, _xywh(data.box[rows], pixels[image]), data.score[rows])
    return [
        {"image_id": image_id, "category_id": label_id, "bbox": box, "score": score}
        for image_id, label_id, box, score in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _xywh(boxes: Doubles, pixels: Doubles) -> Doubles:
    """Boxes `[N, 4]` as x, y, width, height in pixels; `pixels` `[N, 2]` is width and height of their images."""
    ymin, xmin, ymax, xmax = boxes.T
    width, height = pixels.T
    return np.stack([xmin * width, ymin * height, (xmax - xmin) * width, (ymax - ymin) * height], axis=1)
