"""Preparation of ground truth and predictions for matching, with findings about dropped rows."""

from dataclasses import dataclass, replace

import numpy as np

from boxable.arrays import Integers, Ints
from boxable.findings import Finding
from boxable.formats.annotations import Annotations, Coded, Predictions, is_group_of
from boxable.formats.expansion import expand
from boxable.metrics.input_checks import checked_annotations, checked_predictions, image_findings, refuse_warnings
from boxable.metrics.matching import EvaluationData
from boxable.metrics.overlap import distinct
from boxable.metrics.protocols import Protocol
from boxable.vocabulary import ClassList, open_images, open_images_hierarchy


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Columns of ground truth and predictions, the classes of their MIDs, and the findings."""

    data: EvaluationData
    classes: ClassList
    notes: list[Finding]


def prepare(
    annotations: Annotations, predictions: Predictions, protocol: Protocol, *, strict: bool = False
) -> Prepared:
    """Prepare ground truth and predictions: drop invalid rows, number images and classes, expand classes.

    Images are those with at least one box or image label, as in the original, and those that are listed with a
    size, in the order of their ids. With `strict` a flaw of the input is an ArgumentError that names all of them.
    """
    classes = known_classes(annotations.classes)
    annotations, notes = checked_annotations(annotations, classes, protocol)
    images = annotations.listed_images
    usable, more = checked_predictions(predictions, classes, images)
    notes += more + image_findings(images, set(predictions.image.used()))
    if strict:
        refuse_warnings(notes)

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
    data = EvaluationData(
        images=images,
        mids=mids,
        truth_image=numbered(boxes.image, image_numbers),
        truth_label=numbered(boxes.label, label_numbers),
        truth_box=boxes.box,
        truth_group_of=is_group_of(boxes.group_of, unknown=protocol.unknown_is_group_of),
        truth_difficult=boxes.difficult,
        truth_area=boxes.area,
        truth_object=objects,
        verified=distinct(label_keys),
        image=numbered(predictions.image, image_numbers)[usable],
        label=numbered(predictions.label, label_numbers)[usable],
        box=predictions.box[usable],
        score=predictions.score[usable],
    )
    return Prepared(data, classes, notes)


def _expanded(annotations: Annotations, known: set[str]) -> tuple[Annotations, Integers]:
    """Expand to known ancestors; return for each box the row of the annotated box."""
    expanded, sources = expand(annotations, open_images_hierarchy())
    kept = expanded.boxes.label.is_in(known)
    labels = expanded.image_labels.take(expanded.image_labels.label.is_in(known))
    sources = sources[kept]
    return replace(expanded, boxes=expanded.boxes.take(kept), image_labels=labels), np.searchsorted(sources, sources)


def known_classes(own: ClassList) -> ClassList:
    """List the 601 classes, then further ones of the data set; a name that both have is the data set's."""
    others = [item for item in own if item not in open_images()]
    names = {item.name.casefold() for item in others}
    known = (
        replace(item, name=f"{item.name} (Open Images)") if item.name.casefold() in names else item
        for item in open_images()
    )
    return ClassList([*known, *others])


def numbered(column: Coded, numbers: dict[str, int]) -> Ints:
    """Map the strings of a column to their numbers, int32 `[N]`; -1 for a string without one."""
    table = np.array([numbers.get(value, -1) for value in column.values], np.int32)
    return table[column.codes] if len(table) else np.zeros(0, np.int32)
