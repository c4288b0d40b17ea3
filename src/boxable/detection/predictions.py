"""Detections of many images as the columns that an evaluation takes."""

from collections.abc import Iterable

import numpy as np

from boxable.detection.detections import Detections
from boxable.formats.annotations import Coded, Predictions


def to_predictions(found: Iterable[tuple[str, Detections]]) -> Predictions:
    """Collect the detections of images, each with its image id, in order: what reading them from a file gives."""
    images: dict[str, int] = {}
    mids: dict[str, int] = {}
    image, label = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    box, score = [np.zeros((0, 4))], [np.zeros(0)]
    for name, one in found:
        if len(one):
            image.append(np.full(len(one), images.setdefault(name, len(images)), np.int32))
            label.append(np.array([mids.setdefault(mid, len(mids)) for mid in one.mids.tolist()], np.int32))
            box.append(one.boxes.astype(np.float64))
            score.append(one.scores.astype(np.float64))
    return Predictions(
        Coded(np.concatenate(image), list(images)), Coded(np.concatenate(label), list(mids)),
        np.concatenate(box), np.concatenate(score),
    )  # fmt: skip
