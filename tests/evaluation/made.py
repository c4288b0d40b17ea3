"""Ground truth and predictions made by hand."""

from collections.abc import Iterable, Mapping
from math import nan
from typing import Any, NamedTuple

import numpy as np

from boxable.formats.annotations import Annotations, Coded, ImageLabels, Predictions, TruthBoxes
from boxable.metrics.evaluate import Evaluation, evaluate
from boxable.metrics.protocols import Protocol, protocol_named
from boxable.vocabulary import ClassList

Box = tuple[float, float, float, float]

# Classes of no hierarchy: what is said of them is said of nothing else.
A, B, C = "/m/a", "/m/b", "/m/c"
ABC = ClassList.numbered([(A, "a"), (B, "b"), (C, "c")])

DOG, CAT, ANIMAL, CAR, VEHICLE = "/m/0bt9lr", "/m/01yrx", "/m/0jbk", "/m/0k4j", "/m/07yv9"

PLAIN = protocol_named("challenge", expand=False)


class Truth(NamedTuple):
    """A ground-truth box; (ymin, xmin, ymax, xmax). `area`: of the object in pixels, as in COCO."""

    image: str
    label: str
    box: Box
    group_of: int = 0
    difficult: bool = False
    area: float = nan


class Found(NamedTuple):
    """A prediction."""

    image: str
    label: str
    score: float
    box: Box


class Seen(NamedTuple):
    """An image label."""

    image: str
    label: str
    confidence: float = 1


def annotations(
    boxes: Iterable[Truth],
    labels: Iterable[Seen] = (),
    *,
    own: ClassList = ABC,
    sizes: Mapping[str, tuple[int, int]] | None = None,
) -> Annotations:
    boxes, labels = list(boxes), list(labels)
    return Annotations(
        TruthBoxes(
            Coded.of(row.image for row in boxes),
            Coded.of(row.label for row in boxes),
            _corners(row.box for row in boxes),
            np.array([row.group_of for row in boxes], np.int8),
            np.array([row.difficult for row in boxes], bool),
            np.array([row.area for row in boxes], np.float64),
        ),
        ImageLabels(
            Coded.of(row.image for row in labels),
            Coded.of(row.label for row in labels),
            np.array([row.confidence for row in labels], np.float64),
        ),
        own,
        dict(sizes or {}),
    )


def predictions(found: Iterable[Found]) -> Predictions:
    found = list(found)
    return Predictions(
        Coded.of(row.image for row in found),
        Coded.of(row.label for row in found),
        _corners(row.box for row in found),
        np.array([row.score for row in found], np.float64),
    )


def evaluated(
    boxes: Iterable[Truth],
    found: Iterable[Found],
    protocol: Protocol = PLAIN,
    *,
    labels: Iterable[Seen] = (),
    own: ClassList = ABC,
    sizes: Mapping[str, tuple[int, int]] | None = None,
    **options: Any,
) -> Evaluation:
    """The evaluation of these rows, by default without a bootstrap; `own` are the classes of the data set."""
    truth = annotations(boxes, labels, own=own, sizes=sizes)
    return evaluate(truth, predictions(found), protocol, **{"resamples": 0} | options)


def aps(evaluation: Evaluation) -> dict[str, float | None]:
    """AP of each listed class by MID, None where it has no ground truth."""
    return {mid: row["AP"] for mid, row in evaluation.to_dict()["classes"].items()}


def figures(evaluation: Evaluation) -> dict[str, float]:
    """AP of each listed class by MID and their mean as "mean", NaN where there is no ground truth."""
    return {result.item.mid: result.ap for result in evaluation.results} | {"mean": evaluation.mean_ap}


def entries(evaluation: Evaluation) -> dict[str, list[tuple[float, float]]]:
    """(score, credit) of what is ranked, by MID; falling score, and credit where scores are equal."""
    ranking = evaluation.ranking
    rows: dict[str, list[tuple[float, float]]] = {}
    for label, score, credit in zip(ranking.label, ranking.score, ranking.credit, strict=True):
        rows.setdefault(evaluation.data.mids[label], []).append((float(score), float(credit)))
    return {mid: sorted(pairs, reverse=True) for mid, pairs in rows.items()}


def _corners(boxes: Iterable[Box]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(list(boxes), np.float64).reshape(-1, 4)
