"""Preparation of ground truth and predictions for matching, with findings about dropped rows."""

from dataclasses import dataclass, replace

import numpy as np

from boxable.arrays import Doubles, Integers, Ints
from boxable.boxes import to_xywh
from boxable.findings import Finding
from boxable.formats.annotations import Annotations, Coded, Predictions, is_group_of
from boxable.formats.expansion import expand
from boxable.metrics.input_checks import checked_annotations, checked_predictions, image_findings, refuse_warnings
from boxable.metrics.matching import EvaluationData, PixelBoxes
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
    size, in the order of their ids (for the COCO protocol, of COCO's ids). With `strict` a flaw of the input is an
    ArgumentError that names all of them.
    """
    classes = known_classes(annotations.classes)
    are_pixels = False
    if protocol.in_pixels:
        annotations, predictions, are_pixels = _with_pixels(annotations, predictions)
    annotations, notes = checked_annotations(annotations, classes, protocol)
    images = annotations.images_by_coco_id if protocol.in_pixels else annotations.listed_images
    usable, more = checked_predictions(predictions, classes, images, protocol)
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
        truth_group_of=is_group_of(boxes.group_of, unknown=bool(protocol.unknown_is_group_of)),
        truth_difficult=boxes.difficult,
        truth_area=boxes.area,
        truth_object=objects,
        verified=distinct(label_keys),
        image=numbered(predictions.image, image_numbers)[usable],
        label=numbered(predictions.label, label_numbers)[usable],
        box=predictions.box[usable],
        score=predictions.score[usable],
    )
    if protocol.in_pixels and boxes.xywh is not None and predictions.xywh is not None:
        data = replace(data, pixels=PixelBoxes(boxes.xywh, predictions.xywh[usable], are_pixels))
    return Prepared(data, classes, notes)


def _with_pixels(annotations: Annotations, predictions: Predictions) -> tuple[Annotations, Predictions, bool]:
    """Give all boxes in pixels: as the files have them if both do, else by the sizes of the images.

    Tells also whether they are pixels: where the size of an image is not known, one is the size of every image.
    """
    boxes, sizes = annotations.boxes, annotations.sizes
    if boxes.xywh is not None and predictions.xywh is not None:
        # Of an image of unknown size the normalized box, which pictures show, is no number.
        boxes = replace(boxes, box=np.nan_to_num(boxes.box, posinf=0, neginf=0))
        predictions = replace(predictions, box=np.nan_to_num(predictions.box, posinf=0, neginf=0))
        return replace(annotations, boxes=boxes), predictions, True
    are_pixels = all(all(sizes.get(image, (0, 0))) for image in annotations.listed_images)

    def xywh(image: Coded, box: Doubles) -> Doubles:
        table = [sizes.get(value, (1, 1)) if are_pixels else (1, 1) for value in image.values]
        return to_xywh(box, np.array(table, np.float64).reshape(-1, 2)[image.codes])

    boxes = replace(boxes, xywh=xywh(boxes.image, boxes.box))
    predictions = replace(predictions, xywh=xywh(predictions.image, predictions.box))
    return replace(annotations, boxes=boxes), predictions, are_pixels


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
