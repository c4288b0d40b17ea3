"""Content of a report as plain values, for the HTML page and the Markdown."""

from pathlib import Path
from typing import Any

import numpy as np

import boxable
from boxable.arrays import Doubles, Integers
from boxable.evaluation.report.sheets import Sheets
from boxable.evaluation.summary import switches
from boxable.metrics.average_precision import Curve
from boxable.metrics.error_kinds import ErrorKind, Errors, delta_average_precisions, error_kinds
from boxable.metrics.evaluate import ClassResult, Evaluation
from boxable.metrics.matching import Outcome
from boxable.metrics.sizes import by_size
from boxable.metrics.thresholds import Threshold, best_threshold, f1_of, pooled_curve
from boxable.vocabulary import open_images_hierarchy, select
from boxable.vocabulary.selection import Selection

# Points of a curve that a page draws, pairs of confused classes, and classes with a sheet.
_POINTS, _CONFUSIONS, _WORST, _CHOSEN = 60, 200, 6, 30


def content(evaluation: Evaluation, title: str, image_files: dict[str, Path], show: Selection | None) -> dict[str, Any]:
    """Everything that the report shows. `image_files` gives the image of an image id.

    Contact sheets are of the classes with the lowest AP, and of those in `show`. Raises UnknownClassError for a
    selection that names no class.
    """
    columns = np.array([evaluation.classes.column(result.item) for result in evaluation.scored], np.intp)
    errors = error_kinds(evaluation.data, evaluation.matches)
    thresholds = {result.item.mid: _best(evaluation, result) for result in evaluation.results}
    sheets = Sheets(evaluation, errors, dict(image_files))
    chosen = set(select(show, evaluation.classes)) if show is not None else set()
    worst = evaluation.scored[::-1]
    shown = [(result, "chosen") for result in worst if result.item in chosen][:_CHOSEN]
    shown += [(result, "lowest AP") for result in worst[:_WORST] if result.item not in chosen]
    pooled = pooled_curve(evaluation.ranking, columns)
    return {
        "title": title,
        "version": boxable.__version__,
        "protocol": {
            "name": evaluation.protocol.name,
            "title": evaluation.protocol.title,
            "switches": switches(evaluation.protocol),
        },
        **{
            key: value
            for key, value in evaluation.to_dict().items()
            if key in ("mAP", "interval", "bootstrap", "images", "notes", "classes_scored")
        },
        "interval_warning": evaluation.interval_warning,
        "not_counted": [item.name for item in evaluation.not_counted],
        "coco": evaluation.coco.summary if evaluation.coco else None,
        "errors": _errors(evaluation, errors, columns),
        "sizes": _sizes(evaluation, columns),
        "thresholds": _threshold_points(pooled),
        "best": _threshold(best_threshold(pooled)),
        "classes": [_class(evaluation, result, errors, thresholds[result.item.mid]) for result in evaluation.results],
        "confusions": _confusions(evaluation, errors, thresholds),
        "sheets": [sheets.sheet(result, why) for result, why in shown] if image_files else [],
        "photos": sheets.photos,
    }


def _class(evaluation: Evaluation, result: ClassResult, errors: Errors, best: Threshold | None) -> dict[str, Any]:
    label = evaluation.classes.column(result.item)
    curve = evaluation.ranking.curve(label)
    listed = {other.item.mid for other in evaluation.results}
    hierarchy = open_images_hierarchy()
    missed = int((errors.missed & (evaluation.data.truth_label == label)).sum())
    counts = errors.counts(evaluation.data.label == label) | {ErrorKind.MISSED: missed}
    return {
        "mid": result.item.mid,
        "name": result.item.name,
        "parents": [mid for mid in hierarchy.parents(result.item.mid) if mid in listed],
        "AP": _number(result.ap),
        "interval": result.interval and [round(value, 4) for value in result.interval],
        "ground_truth": result.ground_truth,
        "detections": result.detections,
        "recall": _number(result.found / result.ground_truth) if result.ground_truth else None,
        "curve": [] if np.isnan(result.ap) else _points(_corners(curve)),
        "thresholds": [] if np.isnan(result.ap) else _threshold_points(curve),
        "best": _threshold(best),
        "errors": {kind.name.lower(): count for kind, count in counts.items()},
    }


def _errors(evaluation: Evaluation, errors: Errors, columns: Integers) -> list[dict[str, Any]]:
    data = evaluation.data
    weight = evaluation.protocol.group_of_weight
    deltas = delta_average_precisions(data, evaluation.matches, errors, weight, columns)
    counted = errors.counts(np.isin(data.label, columns))
    counted[ErrorKind.MISSED] = int((errors.missed & np.isin(data.truth_label, columns)).sum())
    return [
        {"kind": kind.name.lower(), "count": counted[kind], "delta_ap": _number(deltas[kind])} for kind in ErrorKind
    ]


def _sizes(evaluation: Evaluation, columns: Integers) -> list[dict[str, Any]]:
    results = by_size(evaluation.data, evaluation.matches, evaluation.ranking.entries, columns)
    return [
        {
            "name": result.name, "low": result.low, "high": None if np.isinf(result.high) else result.high,
            "mAP": _number(result.mean_ap), "ground_truth": result.ground_truth, "recall": _number(result.recall),
        }
        for result in results
    ]  # fmt: skip


def _confusions(
    evaluation: Evaluation, errors: Errors, thresholds: dict[str, Threshold | None]
) -> list[dict[str, Any]]:
    """Count confused pairs of classes among detections above the best threshold of their class."""
    data = evaluation.data
    bars = np.full(len(data.mids), np.inf)
    for mid, best in thresholds.items():
        if best is not None:
            bars[data.mids.index(mid)] = best.score
    rows = np.flatnonzero((errors.kind == ErrorKind.CLASSIFICATION) & (data.score >= bars[data.label]))
    pairs = np.stack([data.truth_label[errors.about[rows]], data.label[rows]], axis=1)
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    used = (evaluation.matches.outcome != Outcome.IGNORED) & (data.score >= bars[data.label])
    kept = np.bincount(data.label[used], minlength=len(bars))
    return [
        {
            "is": evaluation.classes[int(is_)].name, "called": evaluation.classes[int(called)].name,
            "count": int(count), "of": int(kept[called]),
        }
        for (is_, called), count in sorted(
            zip(found.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1]
        )[:_CONFUSIONS]
    ]  # fmt: skip


def _best(evaluation: Evaluation, result: ClassResult) -> Threshold | None:
    return best_threshold(evaluation.ranking.curve(evaluation.classes.column(result.item)))


def _threshold(best: Threshold | None) -> dict[str, float] | None:
    if best is None:
        return None
    return {name: round(getattr(best, name), 4) for name in ("score", "precision", "recall", "f1")}


def _threshold_points(curve: Curve) -> list[list[float]]:
    return _points(np.stack([curve.score, curve.precision, curve.recall, f1_of(curve)], axis=1))


def _corners(curve: Curve) -> Doubles:
    """Reduce a precision-recall curve to its corners, (recall, precision) float64 `[N, 2]`."""
    rises = np.diff(curve.recall, prepend=0) > 0
    turns = rises | np.append(rises[1:], True)
    return np.asarray(np.stack([curve.recall, curve.precision], axis=1)[turns])


def _points(rows: Doubles) -> list[list[float]]:
    """Sample at most `_POINTS` rows evenly along the first column, which is monotonic."""
    if len(rows) > _POINTS:
        along = np.abs(rows[:, 0] - rows[0, 0])
        rows = rows[np.unique(np.searchsorted(along, np.linspace(0, along[-1], _POINTS)))]
    points: list[list[float]] = np.nan_to_num(rows).round(4).tolist()
    return points


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
