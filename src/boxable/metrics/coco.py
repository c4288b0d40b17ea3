"""COCO's mean AP and AR, as pycocotools computes them, so that numbers stand beside other detectors'."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Doubles
from boxable.metrics.coco_matching import AREAS, IOUS, MOST, CocoMatches
from boxable.metrics.matching import EvaluationData

# AP is the mean precision at these recalls; AR is measured with so many detections an image and class.
_RECALLS = np.linspace(0, 1, 101)
_FEWER = (1, 10, MOST)


@dataclass(frozen=True, slots=True, eq=False)
class CocoFigures:
    """`average_precisions` float64 `[C]`: AP at IoU 0.50:0.95, NaN without ground truth and where not asked for.

    `summary` is COCO's; figures by size are None where the sizes of images are not known.
    """

    average_precisions: Doubles
    summary: dict[str, float | None]


def coco_figures(data: EvaluationData, found: CocoMatches, columns: Sequence[int], *, by_size: bool) -> CocoFigures:
    """Compute COCO's metric over the classes in these columns.

    IoU 0.50 to 0.95, 101 recall points, at most 100 detections an image and class, group-of boxes as crowds.
    """
    precision, recall = _Curves(data, found).of(columns)
    # [areas, classes, IoUs]
    aps = np.full(len(data.mids), np.nan)
    aps[list(columns)] = precision[0].mean(axis=1)
    summary = {
        "AP": _mean(precision[0]),
        "AP50": _mean(precision[0, :, IOUS == 0.5]),
        "AP75": _mean(precision[0, :, np.isclose(IOUS, 0.75)]),
        **{f"AP_{name}": _mean(precision[area]) for area, name in enumerate(AREAS) if area},
        **{f"AR{most}": _mean(recall[0, :, :, few]) for few, most in enumerate(_FEWER)},
        **{f"AR_{name}": _mean(recall[area, :, :, -1]) for area, name in enumerate(AREAS) if area},
    }
    sizes = tuple(AREAS)[1:]
    return CocoFigures(
        aps, {name: None if name.endswith(sizes) and not by_size else value for name, value in summary.items()}
    )


class _Curves:
    """Precision and recall of each class."""

    def __init__(self, data: EvaluationData, found: CocoMatches) -> None:
        self._found = found
        # Equal scores go by image, and in an image by the order of the file.
        self._order = np.lexsort((data.image, -data.score, data.label))
        self._starts = np.searchsorted(data.label[self._order], np.arange(len(data.mids) + 1))
        counts = [np.bincount(data.truth_label[counted], minlength=len(data.mids)) for counted in found.counted]
        self._truth = np.array(counts)

    def of(self, columns: Sequence[int]) -> tuple[Doubles, Doubles]:
        """Compute mean precision `[areas, classes, IoUs]` and recall `[areas, classes, IoUs, 1 or 10 or 100]`.

        NaN where a class has no ground truth.
        """
        shape = (len(AREAS), len(columns), len(IOUS))
        precision, recall = np.full(shape, np.nan), np.full((*shape, len(_FEWER)), np.nan)
        for place, column in enumerate(columns):
            rows = self._order[self._starts[column] : self._starts[column + 1]]
            rows = rows[self._found.rank[rows] < MOST]
            for area in np.flatnonzero(self._truth[:, column]):
                credit, truth = self._found.credit[area][:, rows], self._truth[area, column]
                precision[area, place] = [_mean_precision(line, truth) for line in credit]
                rank = self._found.rank[rows]
                recall[area, place] = (
                    np.stack([(credit[:, rank < most] == 1).sum(axis=1) for most in _FEWER], 1) / truth
                )
        return precision, recall


def _mean_precision(credit: NDArray[np.int8], truth: int) -> float:
    """Average the precision at the recall points; `credit` `[N]` by falling score."""
    true, false = np.cumsum(credit == 1), np.cumsum(credit == 0)
    recall = true / truth
    precision = np.append(true / (true + false + np.spacing(1)), 0.0)  # 0 where no recall is that high
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(envelope[np.searchsorted(recall, _RECALLS)].mean())


def _mean(values: Doubles) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
