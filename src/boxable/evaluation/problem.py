"""Ground truth and predictions put together: what takes part, and what was dropped and why."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.evaluation.matching import Problem
from boxable.evaluation.overlap import distinct
from boxable.evaluation.protocols import Protocol
from boxable.formats.annotations import Annotations, Coded, Predictions
from boxable.formats.expansion import expand
from boxable.vocabulary import ClassList, open_images, open_images_hierarchy

Mask = NDArray[np.bool_]

# Coordinates beyond this are none; their areas could not be computed.
_FARTHEST = 1e6


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person should know about the input: how many rows or images, what, and what became of it.

    In `what`, `image|s` is `image` for one and `images` for more. `flaw`: the input is not as it should be, which
    `strict` does not allow.
    """

    count: int
    what: str
    effect: str
    examples: tuple[str, ...] = ()
    flaw: bool = True

    def __str__(self) -> str:
        examples = f" ({', '.join(self.examples)}{', …' if self.count > len(self.examples) else ''})"
        what = re.sub(r"\|(\w+)", "" if self.count == 1 else r"\1", self.what)
        return f"{self.count:,} {what}{examples if self.examples else ''}: {self.effect}"


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """The problem, the classes behind its MIDs, and the notes."""

    problem: Problem
    classes: ClassList
    notes: list[Note]


def pose(annotations: Annotations, predictions: Predictions, protocol: Protocol, *, strict: bool = False) -> Posed:
    """Number images and classes, leave out what cannot take part, and expand ground truth where the protocol says so.

    Images are those with at least one box or image label, in the order of their ids, as in the original. With
    `strict` a flaw of the input is an ArgumentError that names all of them.
    """
    notes: list[Note] = []
    classes = known_classes(annotations.classes)
    annotations = _sound_annotations(annotations, classes, protocol, notes)
    images = annotations.images
    usable = _sound_predictions(predictions, classes, set(images), notes)
    _note_images(annotations, predictions, images, notes)
    if strict:
        refuse_flaws(notes)

    objects = np.arange(len(annotations.boxes))
    if protocol.expand:
        annotations, objects = _expanded(annotations, {item.mid for item in classes})
    boxes, labels = annotations.boxes, annotations.image_labels
    mids = [item.mid for item in classes]
    image_numbers = {image: number for number, image in enumerate(images)}
    label_numbers = {mid: number for number, mid in enumerate(mids)}
    label_keys = numbered(labels.image, image_numbers).astype(np.int64) * len(mids) + numbered(
        labels.label, label_numbers
    )
    problem = Problem(
        images=images,
        mids=mids,
        truth_image=numbered(boxes.image, image_numbers),
        truth_label=numbered(boxes.label, label_numbers),
        truth_box=boxes.box,
        truth_group_of=boxes.group_of != 0 if protocol.unknown_is_group_of else boxes.group_of > 0,
        truth_difficult=boxes.difficult,
        truth_object=objects,
        verified=distinct(label_keys),
        image=numbered(predictions.image, image_numbers)[usable],
        label=numbered(predictions.label, label_numbers)[usable],
        box=predictions.box[usable],
        score=predictions.score[usable],
    )
    return Posed(problem, classes, notes)


def _expanded(annotations: Annotations, known: set[str]) -> tuple[Annotations, NDArray[np.intp]]:
    """Expanded to the ancestors that are known, and for each box the row that it is a copy of, or its own."""
    expanded, sources = expand(annotations, open_images_hierarchy())
    kept = expanded.boxes.label.is_in(known)
    labels = expanded.image_labels.take(expanded.image_labels.label.is_in(known))
    sources = sources[kept]
    return replace(expanded, boxes=expanded.boxes.take(kept), image_labels=labels), np.searchsorted(sources, sources)


def refuse_flaws(notes: list[Note]) -> None:
    """Raise ArgumentError if any of these is a flaw of the input."""
    flaws = [str(note) for note in notes if note.flaw]
    if flaws:
        raise ArgumentError(f"strict: {'; '.join(flaws)}")


def known_classes(own: ClassList) -> ClassList:
    """The 601 classes, then those of the data set that are not among them; a name that both have is the data set's."""
    names = {item.name.casefold() for item in own if item not in open_images()}
    return ClassList(
        [
            *(item for item in open_images() if item.name.casefold() not in names),
            *(item for item in own if item not in open_images()),
        ]
    )


def numbered(column: Coded, numbers: dict[str, int]) -> NDArray[np.int32]:
    """The column as the numbers of its strings int32 `[N]`; -1 for a string without one."""
    table = np.array([numbers.get(value, -1) for value in column.values], np.int32)
    return table[column.codes] if len(table) else np.zeros(0, np.int32)


def _sound_annotations(
    annotations: Annotations, classes: ClassList, protocol: Protocol, notes: list[Note]
) -> Annotations:
    boxes, labels = annotations.boxes, annotations.image_labels
    known = {item.mid: number for number, item in enumerate(classes)}
    ymin, xmin, ymax, xmax = boxes.box.T
    unknown = numbered(boxes.label, known) < 0
    nameless = _names_missing(boxes.image)
    broken = ~_sane(boxes.box)
    inverted = (ymin > ymax) | (xmin > xmax)
    dropped = np.zeros(len(boxes), bool)
    for mask, what in (
        (nameless, "without an image id"),
        (unknown, "of an unknown class"),
        (broken, "with a coordinate that is no number"),
        (inverted, "with the maximum below the minimum"),
    ):
        _note(
            notes,
            mask & ~dropped,
            f"ground-truth box|es {what}",
            "dropped",
            boxes.label if mask is unknown else boxes.image,
        )
        dropped |= mask
    good = ~dropped
    flat = good & ((ymin == ymax) | (xmin == xmax))
    _note(notes, flat, "ground-truth box|es without an area", "kept; nothing can find them", boxes.image)
    outside = good & (np.minimum(ymin, xmin) < 0) | good & (np.maximum(ymax, xmax) > 1)
    _note(notes, outside, "ground-truth box|es reaching outside 0 to 1", "kept as they are", boxes.image)
    again = good & _repeated(boxes.image, boxes.label, boxes.box, boxes.group_of)
    _note(
        notes,
        again,
        "ground-truth box|es given before",
        "kept; each counts, but only one is ever found",
        boxes.image,
    )
    if protocol.group_of_weight is not None and protocol.unknown_is_group_of:
        unclear = good & (boxes.group_of < 0)
        _note(
            notes,
            unclear,
            "box|es with an unknown IsGroupOf",
            "taken as group-of boxes, as in the original",
            flaw=False,
        )
    unknown_label = (numbered(labels.label, known) < 0) | _names_missing(labels.image)
    _note(notes, unknown_label, "image label|s of an unknown class or image", "dropped", labels.label)
    return replace(annotations, boxes=boxes.take(good), image_labels=labels.take(~unknown_label))


def _sound_predictions(
    predictions: Predictions, classes: ClassList, images: set[str], notes: list[Note]
) -> NDArray[np.intp]:
    known = {item.mid: number for number, item in enumerate(classes)}
    ymin, xmin, ymax, xmax = predictions.box.T
    elsewhere = numbered(predictions.image, dict.fromkeys(images, 0)) < 0
    unknown = numbered(predictions.label, known) < 0
    dropped = np.zeros(len(predictions), bool)
    for mask, what, column in (
        (unknown, "prediction|s of an unknown class", predictions.label),
        (~np.isfinite(predictions.score), "prediction|s with a score that is no number", predictions.image),
        (
            ~_sane(predictions.box),
            "prediction|s with a coordinate that is no number",
            predictions.image,
        ),
        (
            (ymin >= ymax) | (xmin >= xmax),
            "predicted box|es without an area or with the maximum below the minimum",
            predictions.image,
        ),
        (elsewhere, "prediction|s for images without ground truth", predictions.image),
    ):
        _note(notes, mask & ~dropped, what, "dropped", column)
        dropped |= mask
    outside = ~dropped & ((np.minimum(ymin, xmin) < 0) | (np.maximum(ymax, xmax) > 1))
    _note(notes, outside, "predicted box|es reaching outside 0 to 1", "kept as they are", predictions.image)
    again = ~dropped & _repeated(predictions.image, predictions.label, predictions.box, predictions.score)
    _note(notes, again, "prediction|s given before", "kept; each counts", predictions.image)
    return np.flatnonzero(~dropped)


def _note_images(annotations: Annotations, predictions: Predictions, images: list[str], notes: list[Note]) -> None:
    predicted = set(predictions.image.used())
    silent = [image for image in images if image not in predicted]
    if silent:
        effect = "evaluated; their boxes are missed"
        notes.append(Note(len(silent), "image|s without predictions", effect, tuple(silent[:3]), flaw=False))
    bare = sorted(set(annotations.sizes) - set(images))
    if bare:
        effect = "not evaluated, as in the original"
        notes.append(Note(len(bare), "image|s without a box or an image label", effect, tuple(bare[:3])))


def _note(
    notes: list[Note], mask: Mask, what: str, effect: str, column: Coded | None = None, *, flaw: bool = True
) -> None:
    count = int(mask.sum())
    if count:
        some = [] if column is None else [column.values[code] for code in column.codes[np.flatnonzero(mask)[:200]]]
        notes.append(Note(count, what, effect, tuple(dict.fromkeys(some))[:3], flaw))


def _sane(box: NDArray[np.float64]) -> Mask:
    """Whether all coordinates are numbers that a share of a picture could be."""
    return np.asarray((np.abs(box) < _FARTHEST).all(axis=1))


def _names_missing(column: Coded) -> Mask:
    if "" not in column.values:
        return np.zeros(len(column), bool)
    return np.asarray(column.codes == column.values.index(""))


def _repeated(image: Coded, label: Coded, box: NDArray[np.float64], further: NDArray[Any]) -> Mask:
    """Rows that equal an earlier one in everything."""
    columns = (image.codes, label.codes, *box.T, further)
    mixed = np.zeros(len(box), np.uint64)
    for column in columns:
        _mix(mixed, column)
    repeated = np.zeros(len(box), bool)
    ordered = np.sort(mixed)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    seen: set[tuple[float, ...]] = set()
    for row in np.flatnonzero(np.isin(mixed, twice)) if len(twice) else ():  # few, and alike but for a rare accident
        values = tuple(float(column[row]) for column in columns)
        repeated[row] = values in seen
        seen.add(values)
    return repeated


def _mix(mixed: NDArray[np.uint64], column: NDArray[Any]) -> None:
    """Mix a column into a number a row, the same for the same rows and hardly ever for others (modulo 2**64)."""
    mixed ^= column.astype(np.float64).view(np.uint64)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
