"""The metric once more, in plain loops: as slow and as near to the words of the original's rules as can be.

Numbers in brackets are the steps of section 3 of EVAL_FACTS.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

from boxable.metrics.protocols import Protocol
from tests.evaluation.made import ANIMAL, CAR, CAT, DOG, VEHICLE, Box, Found, Seen, Truth

ABOVE = {
    DOG: ["/m/01lrl", "/m/04rky", ANIMAL],
    CAT: ["/m/01lrl", "/m/04rky", ANIMAL],
    "/m/01lrl": ["/m/04rky", ANIMAL],
    "/m/04rky": [ANIMAL],
    ANIMAL: [],
    CAR: ["/m/01prls", VEHICLE],
    "/m/01prls": [VEHICLE],
    VEHICLE: [],
}


@dataclass
class Score:
    """What comes out for one class: entries (score, credit) by falling score; `ap` NaN without ground truth."""

    truth: float
    entries: list[tuple[float, float]]

    @property
    def ap(self) -> float:
        if not self.truth:
            return nan
        points = []
        true = false = 0.0
        for _, credit in self.entries:
            true, false = true + credit, false + (credit == 0)
            points.append((true / self.truth, true / (true + false)))
        area = before = 0.0
        for place, (recall, _) in enumerate(points):
            area += (recall - before) * max(precision for _, precision in points[place:])
            before = recall
        return area


def slow_scores(
    truth: Sequence[Truth], labels: Sequence[Seen], found: Sequence[Found], protocol: Protocol
) -> dict[str, Score]:
    """By class; no two detections may have the same score."""
    truth = [row for row in truth if row.box[0] <= row.box[2] and row.box[1] <= row.box[3]]
    images = sorted({row.image for row in truth} | {row.image for row in labels})
    if protocol.expand:
        truth = [row._replace(label=label) for row in truth for label in [row.label, *ABOVE[row.label]]]
        labels = [row._replace(label=label) for row in labels for label in _with_related(row)]
    scores = {label: Score(0.0, []) for label in ABOVE}
    for image in images:
        for label, score in scores.items():
            boxes = [row for row in truth if (row.image, row.label) == (image, label)]
            seen = boxes or [row for row in labels if (row.image, row.label) == (image, label)]
            mine = [row for row in found if (row.image, row.label) == (image, label)]
            number, entries = _match(boxes, [] if protocol.verified_only and not seen else mine, protocol)
            score.truth += number
            score.entries += entries
    for score in scores.values():
        score.entries.sort(key=lambda entry: -entry[0])
    return scores


def _with_related(row: Seen) -> list[str]:
    if row.confidence == 1:
        return [row.label, *ABOVE[row.label]]
    return [row.label, *(label for label, above in ABOVE.items() if row.label in above)]


def _match(boxes: list[Truth], found: list[Found], protocol: Protocol) -> tuple[float, list[tuple[float, float]]]:
    weight = protocol.group_of_weight
    ordinary = [row for row in boxes if weight is None or not row.group_of]
    groups = [row for row in boxes if row not in ordinary]
    ignored = [protocol.difficult and row.difficult for row in ordinary]
    found = [row for row in found if row.box[0] < row.box[2] and row.box[1] < row.box[3]]  # [1]
    found = sorted(found, key=lambda row: -row.score)  # [3]
    entries: list[tuple[float, float]] = []
    taken: set[int] = set()
    best_score: dict[int, float] = {}
    for row in found:
        place = _first_best([_iou(row.box, box.box) for box in ordinary])  # [5]
        if place is not None and ignored[place]:
            continue
        if place is not None and place not in taken:
            taken.add(place)
            entries.append((row.score, 1.0))
            continue
        group = _first_best([_ioa(row.box, box.box) for box in groups])  # [6]
        if group is None:
            entries.append((row.score, 0.0))
        else:
            best_score[group] = max(best_score.get(group, 0.0), row.score)
    entries += [(score, weight) for score in best_score.values() if weight and score > 0]  # [7]
    return ignored.count(False) + (weight or 0.0) * len(groups), entries


def _first_best(overlaps: list[float]) -> int | None:
    """Which is the greatest, the first among equals, if it is enough."""
    best = max(overlaps, default=0.0)
    return overlaps.index(best) if best >= 0.5 else None


def _iou(one: Box, other: Box) -> float:
    common = _common(one, other)
    return common / (_area(one) + _area(other) - common)


def _ioa(one: Box, other: Box) -> float:
    return _common(one, other) / _area(one)


def _common(one: Box, other: Box) -> float:
    height = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    return height * max(0.0, min(one[3], other[3]) - max(one[1], other[1]))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
