"""`boxable.fuse`: the predictions of several detectors become one, by weighted boxes fusion."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from boxable.arrays import Doubles
from boxable.errors import ArgumentError
from boxable.findings import Finding
from boxable.formats.annotations import Coded, Predictions
from boxable.formats.openimages import write_predictions
from boxable.formats.reading import read_predictions
from boxable.fusion import IOU_THRESHOLD
from boxable.metrics.input_checks import examples_of
from boxable.weighted_boxes import fuse_boxes


def fuse(
    *predictions: str | os.PathLike[str] | Predictions,
    weights: Sequence[float] | None = None,
    iou_threshold: float = IOU_THRESHOLD,
    min_score: float = 0.0,
    out: str | os.PathLike[str] | None = None,
) -> Predictions:
    """Fuse predictions of several detectors on the same images by weighted boxes fusion (arXiv:1910.13302).

    Each is a file that `boxable evaluate` takes, or what this function returned. A box joins the fused box of its class
    in the image with which its IoU is above `iou_threshold`. That is the mean of its boxes, weighted by their scores
    times the weight of their detector (1). Its score is the mean of theirs, less if it has fewer boxes than there are
    detectors. Boxes that score less than `min_score` are dropped before.

    What is returned, and written to the .csv file `out`, is ordered by image, and in an image by score; `notes` say
    what was dropped. Raises ArgumentError for what cannot be used, and BoxableError for what cannot be read or written.
    """
    if len(predictions) < 2:
        raise ArgumentError(f"expected the predictions of two detectors or more, got {len(predictions)}")
    chosen, path = _weights(weights, len(predictions)), None if out is None else Path(out)
    if path is not None and path.suffix.lower() != ".csv":
        raise ArgumentError(f"{path}: expected a name that ends in .csv")
    if not 0 <= iou_threshold < 1:
        raise ArgumentError(f"iou_threshold: expected a number from 0 to below 1, got {iou_threshold}")
    parts = [item if isinstance(item, Predictions) else read_predictions(Path(item)) for item in predictions]
    image = _joined([part.image for part in parts])
    label = _joined([part.label for part in parts])
    box, score = (np.concatenate([getattr(part, name) for part in parts]) for name in ("box", "score"))
    box = np.clip(np.concatenate([np.fmin(box[:, :2], box[:, 2:]), np.fmax(box[:, :2], box[:, 2:])], axis=1), 0, 1)
    usable = ((box[:, 2:] > box[:, :2]).all(axis=1)) & np.isfinite(score) & (score > 0)
    notes = [note for part in parts for note in part.notes]
    if not usable.all():
        finding = Finding("predicted box|es without an area or a score", "dropped", "warning", int((~usable).sum()))
        finding.examples = examples_of(image.take(~usable).used())
        notes.append(finding)
    kept = usable & (score >= min_score)
    weighted = score * np.repeat(chosen, [len(part) for part in parts])
    group = image.codes.astype(np.intp) * max(1, len(label.values)) + label.codes
    found = fuse_boxes(
        group[kept], box[kept], weighted[kept], models=len(parts), total_weight=float(chosen.sum()),
        iou_threshold=iou_threshold,
    )  # fmt: skip
    images, labels = np.divmod(found.group, max(1, len(label.values)))
    order = np.lexsort((labels, -found.score, images))
    fused = Predictions(
        Coded(images[order].astype(np.int32), image.values), Coded(labels[order].astype(np.int32), label.values),
        found.box[order], found.score[order], notes=notes,
    )  # fmt: skip
    if path is not None:
        write_predictions(fused, path)
    return fused


def _weights(weights: Sequence[float] | None, count: int) -> Doubles:
    chosen = np.ones(count) if weights is None else np.array(weights, np.float64)
    if chosen.shape != (count,) or not (chosen > 0).all() or not np.isfinite(chosen).all():
        raise ArgumentError(f"weights: expected {count} numbers above 0, one for each detector, got {weights}")
    return chosen


def _joined(columns: list[Coded]) -> Coded:
    """Join columns, one below the other; values are in order."""
    values = sorted({value for column in columns for value in column.used()})
    places = {value: place for place, value in enumerate(values)}
    codes = [np.array([places.get(value, 0) for value in column.values], np.int32)[column.codes] for column in columns]
    return Coded(np.concatenate(codes), values)
