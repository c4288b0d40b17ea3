"""Checks of ground truth and predictions: invalid rows are dropped, suspicious rows are kept and reported."""

from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Doubles, Integers, Mask
from boxable.errors import ArgumentError
from boxable.findings import Finding, Level
from boxable.formats.annotations import Annotations, Coded, Predictions, TruthBoxes
from boxable.metrics.protocols import Protocol
from boxable.metrics.row_hash import row_hashes
from boxable.vocabulary import ClassList

# Coordinates beyond this are none; their areas could not be computed.
_FARTHEST, _FARTHEST_PIXEL = 1e6, 1e12
# What is left of a side of 0 or 1 that was written in pixels, and as a width.
_ROUNDING = 1e-9
# Rows of which examples are looked for.
_LOOKED_AT = 1000


def refuse_warnings(notes: list[Finding]) -> None:
    """Raise ArgumentError if any finding is a warning, which is a flaw of the input."""
    flaws = [str(note) for note in notes if note.level == "warning"]
    if flaws:
        raise ArgumentError(f"strict: {'; '.join(flaws)}")


def checked_annotations(
    annotations: Annotations, classes: ClassList, protocol: Protocol
) -> tuple[Annotations, list[Finding]]:
    """Drop invalid ground-truth rows, and report them."""
    boxes, labels = annotations.boxes, annotations.image_labels
    known = {item.mid for item in classes}
    ymin, xmin, ymax, xmax = boxes.box.T
    notes = _Notes(len(boxes))
    notes.drop(boxes.image.is_in({""}), "ground-truth box|es without an image id", boxes.image)
    notes.drop(~boxes.label.is_in(known), "ground-truth box|es of an unknown class", boxes.label, _mid_hint(classes))
    notes.drop(~_sane(boxes, protocol), "ground-truth box|es with a coordinate that is no number", boxes.image)
    if not protocol.in_pixels:
        notes.drop((ymin > ymax) | (xmin > xmax), "ground-truth box|es with the maximum below the minimum", boxes.image)
    flat = (ymin >= ymax) | (xmin >= xmax)
    notes.keep(flat, "ground-truth box|es without an area", "kept; nothing can find them", boxes.image)
    notes.keep(
        _outside(boxes.box), "ground-truth box|es reaching outside 0 to 1", _outside_effect(boxes.box), boxes.image
    )
    again = _repeated(boxes.image, boxes.label, boxes.box, boxes.group_of)
    notes.keep(again, "ground-truth box|es given before", "kept; each counts, but only one is ever found", boxes.image)
    if protocol.group_of_weight is not None:
        unknown = boxes.group_of < 0
        notes.keep(unknown, "box|es with an unknown IsGroupOf", _unknown_effect(protocol), level="note")
    good_boxes = boxes.take(notes.good)

    label_notes = _Notes(len(labels))
    unknown = ~labels.label.is_in(known) | labels.image.is_in({""})
    label_notes.drop(unknown, "image label|s of an unknown class or image", labels.label)
    odd = ~np.isin(labels.confidence, (-1, 0, 1))
    label_notes.drop(odd, "image label|s with a confidence that is neither 1 nor 0", labels.label)
    sound = replace(annotations, boxes=good_boxes, image_labels=labels.take(label_notes.good))
    return sound, notes.notes + label_notes.notes


def _unknown_effect(protocol: Protocol) -> str:
    if protocol.unknown_is_group_of:
        return "taken as group-of boxes, as in the original (see --unknown-group-of)"
    if protocol.in_pixels:
        return "taken as ordinary boxes; only a stated flag makes a crowd"
    return "taken as ordinary boxes, as no box of the set states it (see --unknown-group-of)"


def checked_predictions(
    predictions: Predictions, classes: ClassList, images: list[str], protocol: Protocol
) -> tuple[Integers, list[Finding]]:
    """Select the valid predictions, rows intp `[N]`, and report the others."""
    ymin, xmin, ymax, xmax = predictions.box.T
    image, label, known = predictions.image, predictions.label, {item.mid for item in classes}
    notes = _Notes(len(predictions))
    notes.drop(~label.is_in(known), "prediction|s of an unknown class", label, _mid_hint(classes))
    elsewhere = ~image.is_in(set(images))
    notes.drop(elsewhere, "prediction|s for images without ground truth", image, _image_hint(images))
    notes.drop(~np.isfinite(predictions.score), "prediction|s with a score that is no number", image)
    notes.drop(~_sane(predictions, protocol), "prediction|s with a coordinate that is no number", image)
    with np.errstate(all="ignore"):  # what is no number was dropped before
        # Not only where sides are equal: tiny ones multiply to 0 too.
        flat = (ymin >= ymax) | (xmin >= xmax) | ((ymax - ymin) * (xmax - xmin) <= 0)
    without_area = "predicted box|es without an area or with the maximum below the minimum"
    if protocol.in_pixels:
        notes.keep(flat, without_area, "kept; each counts as a false positive, as in pycocotools", image)
    else:
        notes.drop(flat, without_area, image)
    outside = _outside(predictions.box)
    notes.keep(outside, "predicted box|es reaching outside 0 to 1", _outside_effect(predictions.box), image)
    again = _repeated(image, label, predictions.box, predictions.score)
    notes.keep(again, "prediction|s given before", "kept; each counts", image)
    return np.flatnonzero(notes.good), notes.notes


def image_findings(images: list[str], predicted: set[str]) -> list[Finding]:
    """Report the images without predictions."""
    silent = [image for image in images if image not in predicted]
    if not silent:
        return []
    effect = "evaluated; their boxes are missed"
    return [Finding("image|s without predictions", effect, "note", len(silent), examples=examples_of(silent))]


class _Notes:
    """Findings about rows. A dropped row is reported for the first reason that applies."""

    def __init__(self, rows: int) -> None:
        self.good = np.ones(rows, bool)
        self.notes: list[Finding] = []

    def drop(self, mask: Mask, what: str, column: Coded, hint: Any = None) -> None:
        mask = mask & self.good
        self.good &= ~mask
        if mask.any():
            examples = _examples(mask, column)
            advice = hint(_values(mask, column)) if hint else ""
            self.notes.append(Finding(what, f"dropped{advice}", "warning", int(mask.sum()), examples=examples))

    def keep(self, mask: Mask, what: str, effect: str, column: Coded | None = None, level: Level = "warning") -> None:
        mask = mask & self.good
        if mask.any():
            examples = [] if column is None else _examples(mask, column)
            self.notes.append(Finding(what, effect, level, int(mask.sum()), examples=examples))


def _values(mask: Mask, column: Coded) -> list[str]:
    """Return the distinct values of the first `_LOOKED_AT` of these rows."""
    return list(dict.fromkeys(column.values[code] for code in column.codes[np.flatnonzero(mask)[:_LOOKED_AT]]))


def _examples(mask: Mask, column: Coded) -> list[str]:
    return examples_of(_values(mask, column))


def examples_of(values: list[str]) -> list[str]:
    """Return the first three values, and an ellipsis if there are more."""
    return [*values[:3], "…"] if len(values) > 3 else values


def _mid_hint(classes: ClassList) -> Any:
    """Return advice for class names given instead of MIDs."""

    def hint(values: list[str]) -> str:
        named = next((item for item in map(classes.get, values) if item is not None), None)
        return f"; LabelName is a MID, such as {named.mid} for {named.name}" if named else ""

    return hint


def _image_hint(images: list[str]) -> Any:
    """Return advice for file names given instead of image ids."""
    known = set(images)

    def hint(values: list[str]) -> str:
        named = next((value for value in values if PurePath(value).stem in known), None)
        return f"; ImageID is the file name alone, such as {PurePath(named).stem}" if named else ""

    return hint


def _sane(boxes: TruthBoxes | Predictions, protocol: Protocol) -> Mask:
    """Tell which boxes have only finite, plausible coordinates, in pixels where the protocol measures in them."""
    if protocol.in_pixels and boxes.xywh is not None:
        return np.asarray((np.abs(boxes.xywh) < _FARTHEST_PIXEL).all(axis=1))
    return np.asarray((np.abs(boxes.box) < _FARTHEST).all(axis=1))


def _outside(box: Doubles) -> Mask:
    return np.asarray((box < -_ROUNDING).any(axis=1) | (box > 1 + _ROUNDING).any(axis=1))


def _outside_effect(box: Doubles) -> str:
    """Describe what becomes of boxes outside the image; most boxes far outside are probably in pixels."""
    far = (box > 2).any(axis=1).mean() if len(box) else 0
    return "kept as they are; if these are pixels, divide by the size of the image" if far > 0.5 else "kept as they are"


def _repeated(image: Coded, label: Coded, box: Doubles, further: NDArray[Any]) -> Mask:
    """Tell which rows equal an earlier row in every column."""
    columns = (image.codes, label.codes, *box.T, further)
    hashes = row_hashes(columns, len(box))
    repeated = np.zeros(len(box), bool)
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    seen: set[tuple[float, ...]] = set()
    for row in np.flatnonzero(np.isin(hashes, twice)) if len(twice) else ():  # few, and alike but for a rare accident
        values = tuple(float(column[row]) for column in columns)
        repeated[row] = values in seen
        seen.add(values)
    return repeated
