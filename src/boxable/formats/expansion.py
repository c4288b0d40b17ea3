"""Expand annotations along the class hierarchy: what is a Cat is an Animal too.

Rules of the original script `oid_hierarchical_labels_expansion` (SEMANTICS §8).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from boxable.formats.annotations import Annotations, Coded, ImageLabels, TruthBoxes
from boxable.vocabulary import Hierarchy

Rows = NDArray[np.intp]


def expand(annotations: Annotations, hierarchy: Hierarchy) -> tuple[Annotations, Rows]:
    """Expand annotations by the hierarchy; returns also the source row intp `[M]` of each box.

    Rows that come out twice stay twice.
    """
    boxes, sources = expand_boxes(annotations.boxes, hierarchy)
    labels = expand_image_labels(annotations.image_labels, hierarchy)
    return replace(annotations, boxes=boxes, image_labels=labels), sources


def expand_boxes(boxes: TruthBoxes, hierarchy: Hierarchy) -> tuple[TruthBoxes, Rows]:
    """Repeat each box for each ancestor of its class; returns also the source row intp `[M]` of each box."""
    rows, label = related_rows(boxes.label, hierarchy.ancestors)
    return replace(boxes.take(rows), label=label), rows


def expand_image_labels(labels: ImageLabels, hierarchy: Hierarchy) -> ImageLabels:
    """Repeat each positive label for the ancestors of its class, each negative one for the descendants."""
    positive = labels.confidence == 1
    rows, label = related_rows(labels.label, hierarchy.ancestors, hierarchy.descendants, positive)
    return replace(labels.take(rows), label=label)


def related_rows(
    label: Coded,
    related: Callable[[str], Sequence[str]],
    otherwise: Callable[[str], Sequence[str]] | None = None,
    condition: NDArray[np.bool_] | None = None,
) -> tuple[Rows, Coded]:
    """Repeat rows for the classes related to theirs: source rows intp `[M]`, in order, and the new class column.

    A row comes first as it is, then once for each MID that `related` gives (`otherwise`, where `condition`
    bool `[N]` is not met).
    """
    numbers = {mid: number for number, mid in enumerate(label.values)}
    chains = [
        [numbers.setdefault(mid, len(numbers)) for mid in (own, *step(own))]
        for step in (related, otherwise or related)
        for own in label.values
    ]
    lengths = np.array([len(chain) for chain in chains], np.intp)
    starts = np.cumsum(lengths) - lengths
    flat = np.array([number for chain in chains for number in chain], np.int32)

    which = label.codes.astype(np.intp)
    if condition is not None:
        which += np.where(condition, 0, len(label.values))
    counts = lengths[which]
    rows = np.repeat(np.arange(len(label)), counts)
    step_in_chain = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    codes = flat[np.repeat(starts[which], counts) + step_in_chain]
    return rows, Coded(codes, list(numbers))
