"""Checks of ground truth and predictions: findings about rows that are dropped, and odd rows that are kept."""

from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.findings import Finding, Level
from boxable.formats.annotations import Annotations, Coded, Predictions
from boxable.metrics.protocols import Protocol
from boxable.metrics.row_hash import row_hashes
from boxable.vocabulary import ClassList

Mask = NDArray[np.bool_]

# Larger coordinates are dropped: their areas could not be computed.
_MAX_COORDINATE = 1e6
# Rounding error of a side at 0 or 1 that was converted from pixels or a width.
_ROUNDING = 1e-9
# Rows searched for examples.
_EXAMPLE_ROWS = 1000


def refuse_warnings(findings: list[Finding]) -> None:
    """Raise ArgumentError if any finding is a warning."""
    warnings = [str(finding) for finding in findings if finding.level == "warning"]
    if warnings:
        raise ArgumentError(f"strict: {'; '.join(warnings)}")


def checked_annotations(
    annotations: Annotations, classes: ClassList, protocol: Protocol
) -> tuple[Annotations, list[Finding]]:
    """Drop rows that cannot be used, and list findings about dropped and odd rows."""
    boxes, labels = annotations.boxes, annotations.image_labels
    known = {item.mid for item in classes}
    ymin, xmin, ymax, xmax = boxes.box.T
    checks = _RowChecks(len(boxes))
    checks.drop(boxes.image.is_in({""}), "ground-truth box|es without an image id", boxes.image)
    checks.drop(~boxes.label.is_in(known), "ground-truth box|es of an unknown class", boxes.label, _mid_hint(classes))
    checks.drop(~_sane(boxes.box), "ground-truth box|es with a coordinate that is no number", boxes.image)
    checks.drop((ymin > ymax) | (xmin > xmax), "ground-truth box|es with the maximum below the minimum", boxes.image)
    flat = (ymin == ymax) | (xmin == xmax)
    checks.keep(flat, "ground-truth box|es without an area", "kept; nothing can find them", boxes.image)
    checks.keep(
        _outside(boxes.box), "ground-truth box|es reaching outside 0 to 1", _outside_effect(boxes.box), boxes.image
    )
    again = _repeated(boxes.image, boxes.label, boxes.box, boxes.group_of)
    checks.keep(again, "ground-truth box|es given before", "kept; each counts, but only one is ever found", boxes.image)
    if protocol.group_of_weight is not None and protocol.unknown_is_group_of:
        effect = "taken as group-of boxes, as in the original"
        checks.keep(boxes.group_of < 0, "box|es with an unknown IsGroupOf", effect, level="note")
    good_boxes = boxes.take(checks.good)

    label_checks = _RowChecks(len(labels))
    unknown = ~labels.label.is_in(known) | labels.image.is_in({""})
    label_checks.drop(unknown, "image label|s of an unknown class or image", labels.label)
    odd = ~np.isin(labels.confidence, (-1, 0, 1))
    label_checks.drop(odd, "image label|s with a confidence that is neither 1 nor 0", labels.label)
    sound = replace(annotations, boxes=good_boxes, image_labels=labels.take(label_checks.good))
    return sound, checks.findings + label_checks.findings


def checked_predictions(
    predictions: Predictions, classes: ClassList, images: list[str]
) -> tuple[NDArray[np.intp], list[Finding]]:
    """Select rows intp `[N]` that can be used, and list findings about dropped and odd rows."""
    ymin, xmin, ymax, xmax = predictions.box.T
    image, label, known = predictions.image, predictions.label, {item.mid for item in classes}
    checks = _RowChecks(len(predictions))
    checks.drop(~label.is_in(known), "prediction|s of an unknown class", label, _mid_hint(classes))
    elsewhere = ~image.is_in(set(images))
    checks.drop(elsewhere, "prediction|s for images without ground truth", image, _image_hint(images))
    checks.drop(~np.isfinite(predictions.score), "prediction|s with a score that is no number", image)
    checks.drop(~_sane(predictions.box), "prediction|s with a coordinate that is no number", image)
    with np.errstate(all="ignore"):  # NaN was dropped before
        # Not only where sides are equal: tiny ones multiply to 0 too.
        flat = (ymin >= ymax) | (xmin >= xmax) | ((ymax - ymin) * (xmax - xmin) <= 0)
    checks.drop(flat, "predicted box|es without an area or with the maximum below the minimum", image)
    outside = _outside(predictions.box)
    checks.keep(outside, "predicted box|es reaching outside 0 to 1", _outside_effect(predictions.box), image)
    again = _repeated(image, label, predictions.box, predictions.score)
    checks.keep(again, "prediction|s given before", "kept; each counts", image)
    return np.flatnonzero(checks.good), checks.findings


def image_findings(images: list[str], predicted: set[str]) -> list[Finding]:
    """Report images without predictions."""
    silent = [image for image in images if image not in predicted]
    if not silent:
        return []
    effect = "evaluated; their boxes are missed"
    return [Finding("image|s without predictions", effect, "note", len(silent), examples=examples_of(silent))]


class _RowChecks:
    """Findings about rows; a row is dropped for the first reason that holds."""

    def __init__(self, rows: int) -> None:
        self.good = np.ones(rows, bool)
        self.findings: list[Finding] = []

    def drop(self, mask: Mask, what: str, column: Coded, hint: Any = None) -> None:
        mask = mask & self.good
        self.good &= ~mask
        if mask.any():
            values = _values(mask, column)
            text = f"dropped{hint(values) if hint else ''}"
            self.findings.append(Finding(what, text, "warning", int(mask.sum()), examples=examples_of(values)))

    def keep(self, mask: Mask, what: str, effect: str, column: Coded | None = None, level: Level = "warning") -> None:
        mask = mask & self.good
        if mask.any():
            examples = [] if column is None else examples_of(_values(mask, column))
            self.findings.append(Finding(what, effect, level, int(mask.sum()), examples=examples))


def _values(mask: Mask, column: Coded) -> list[str]:
    """List the distinct values of the first rows of the mask."""
    return list(dict.fromkeys(column.values[code] for code in column.codes[np.flatnonzero(mask)[:_EXAMPLE_ROWS]]))


def examples_of(values: list[str]) -> list[str]:
    """Return the first three values, and an ellipsis if there are more."""
    return [*values[:3], "…"] if len(values) > 3 else values


def _mid_hint(classes: ClassList) -> Any:
    """Make advice for class names in place of MIDs."""

    def hint(values: list[str]) -> str:
        named = next((item for item in map(classes.get, values) if item is not None), None)
        return f"; LabelName is a MID, such as {named.mid} for {named.name}" if named else ""

    return hint


def _image_hint(images: list[str]) -> Any:
    """Make advice for file names in place of image ids."""
    known = set(images)

    def hint(values: list[str]) -> str:
        named = next((value for value in values if PurePath(value).stem in known), None)
        return f"; ImageID is the file name alone, such as {PurePath(named).stem}" if named else ""

    return hint


def _sane(box: NDArray[np.float64]) -> Mask:
    """Test boxes for finite coordinates of a usable size."""
    return np.asarray((np.abs(box) < _MAX_COORDINATE).all(axis=1))


def _outside(box: NDArray[np.float64]) -> Mask:
    return np.asarray((box < -_ROUNDING).any(axis=1) | (box > 1 + _ROUNDING).any(axis=1))


def _outside_effect(box: NDArray[np.float64]) -> str:
    """Describe what is done, with advice if most boxes seem to be in pixels."""
    far = (box > 2).any(axis=1).mean() if len(box) else 0
    return "kept as they are; if these are pixels, divide by the picture's size" if far > 0.5 else "kept as they are"


def _repeated(image: Coded, label: Coded, box: NDArray[np.float64], further: NDArray[Any]) -> Mask:
    """Mark rows that equal an earlier one in every column."""
    columns = (image.codes, label.codes, *box.T, further)
    hashes = row_hashes(columns, len(box))
    repeated = np.zeros(len(box), bool)
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    seen: set[tuple[float, ...]] = set()
    for row in np.flatnonzero(np.isin(hashes, twice)) if len(twice) else ():  # few, and equal but for a hash collision
        values = tuple(float(column[row]) for column in columns)
        repeated[row] = values in seen
        seen.add(values)
    return repeated
