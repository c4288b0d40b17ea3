"""What evaluation.py evaluates: the recorded set, and synthetic ones of any size that look like it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boxable.formats.annotations import Annotations, Coded, ImageLabels, Predictions, TruthBoxes, no_image_labels
from boxable.formats.expansion import expand
from boxable.formats.openimages_reading import read_boxes, read_image_labels, read_prediction_table
from boxable.metrics.protocols import CHALLENGE, protocol_named
from boxable.vocabulary import ClassList, open_images, open_images_hierarchy

Floats = NDArray[np.float64]
Index = NDArray[np.intp]
Set = tuple[Annotations, Predictions]

RECORDED = Path(__file__).parent.parent.parent / "shared" / "reference" / "eval" / "large"
# Images of the recorded set, of the V4 validation set, and what a detector gives for each.
RECORDED_IMAGES, VALIDATION_IMAGES, DETECTIONS = 2_000, 41_620, 100
CLASSES = len(open_images())

# The metric, and what of it hotcoco has too: no verified labels, ground truth as it comes (here: expanded before).
METRIC = CHALLENGE
PLAIN_METRIC = protocol_named("openimages-v2", group_of_weight=1.0)

# How a synthetic detection comes about, and how often: it hits a box, or hits it again, or with the class above or
# beside its own; lies inside it; or is on nothing. Scores are drawn from a Beta distribution.
_HIT, _AGAIN, _PARENT, _SIBLING, _INSIDE, _BACKGROUND = range(6)
_OFTEN = (0.08, 0.10, 0.10, 0.10, 0.07, 0.55)
_BETA = np.array([(4, 2), (2, 4), (3, 3), (2, 5), (2, 3), (1, 6)], np.float64)
_BOXES, _NEGATIVES, _GROUP_OF, _FLAWED = 7, 3, 0.065, 0.001


def read_recorded() -> Set:
    """Read the recorded set, ground truth as released (not expanded)."""
    boxes, labels = RECORDED / "gt_boxes.csv.gz", RECORDED / "gt_imagelabels.csv.gz"
    truth = Annotations(read_boxes(boxes), read_image_labels(labels))
    return truth, read_prediction_table(RECORDED / "predictions.csv.gz")


def like_recorded() -> Set:
    """Make a synthetic set of the size of the recorded one, with distinct scores so that tools can agree."""
    truth, predictions = synthetic(RECORDED_IMAGES)
    return truth, ranked(predictions)


def of_images(whole: Set, images: list[str]) -> Set:
    """Select the rows of these images."""
    truth, predictions = whole
    return truth.of_images(set(images)), taken(predictions, predictions.image.is_in(set(images)))


def plain(whole: Set) -> Set:
    """Boxes only, expanded before, and the sound predictions for their images: nothing is left to drop or expand."""
    truth, predictions = whole
    boxes = expand(truth, open_images_hierarchy())[0].boxes
    ymin, xmin, ymax, xmax = predictions.box.T
    rows = predictions.image.is_in(set(boxes.image.used())) & (ymin < ymax) & (xmin < xmax)
    return replace(truth, boxes=boxes, image_labels=no_image_labels()), taken(predictions, rows)


def uncontested(whole: Set) -> Set:
    """Make a set on which tools must agree whatever they do with boxes that compete and with equal scores.

    Of each image and class the first ordinary and the first group-of box are left; scores become their rank.
    """
    truth, predictions = whole
    boxes = truth.boxes
    keys = (boxes.image.codes.astype(np.int64) * len(boxes.label.values) + boxes.label.codes) * 2 + (boxes.group_of > 0)
    first = np.unique(keys, return_index=True)[1]
    return replace(truth, boxes=boxes.take(np.sort(first))), ranked(predictions)


def ranked(predictions: Predictions) -> Predictions:
    """Replace scores by their rank from 0 to 1, so that no two are equal."""
    ranks = np.argsort(np.argsort(predictions.score, kind="stable"))
    return replace(predictions, score=(ranks + 1) / (len(ranks) + 1))


def taken(predictions: Predictions, rows: NDArray[np.bool_]) -> Predictions:
    """Select rows."""
    image, label = predictions.image.take(rows), predictions.label.take(rows)
    return Predictions(image, label, predictions.box[rows], predictions.score[rows])


def synthetic(images: int, classes: int = CLASSES, seed: int = 0) -> Set:
    """Make a set with `classes` classes by Zipf's law: those of Open Images, and own ones if more are needed.

    As in the recorded set about 7 boxes an image, 6.5 % group-of, about 8 image labels, 100 detections an image, one
    in a thousand flawed, coordinates of 6 and scores of 7 decimals. Other than there some scores are equal.
    Detections are made some images at a time, so that their making needs little memory beside them.
    """
    random = np.random.default_rng(seed)
    own = ClassList.numbered((f"/own/{number}", f"own class {number}") for number in range(CLASSES, classes))
    mids = [item.mid for item in [*open_images(), *own][:classes]]
    parent, sibling = _kin(mids, random)
    often = np.cumsum(random.permutation(1 / np.arange(1, classes + 1)))
    often /= often[-1]
    numbers = random.integers(1 << 62, size=images)

    def some_classes(*shape: int) -> Index:
        return np.minimum(np.searchsorted(often, random.random(shape)), classes - 1)

    def coded(image: Index, label: Index) -> tuple[Coded, Coded]:
        # Strings of their own for each table, as if it had been read.
        names = [f"{number:016x}" for number in numbers.tolist()]
        return Coded(image.astype(np.int32), names), Coded(label.astype(np.int32), list(mids))

    counts = random.poisson(_BOXES, images)
    image = np.repeat(np.arange(images), counts)
    label, box = some_classes(len(image)), _boxes(random, len(image))
    group_of = random.random(len(image)) < _GROUP_OF
    negative = some_classes(images, _NEGATIVES)
    present = np.unique(image * classes + label)
    absent = np.setdiff1d((np.arange(images)[:, None] * classes + negative).ravel(), present)
    keys = np.concatenate([present, absent])
    flags = group_of.astype(np.int8), np.zeros(len(image), bool)
    boxes = TruthBoxes(*coded(image, label), box, *flags, np.full(len(image), np.nan))
    truth = Annotations(
        boxes,
        ImageLabels(*coded(keys // classes, keys % classes), np.repeat([1.0, 0.0], [len(present), len(absent)])),
        own,
    )

    starts = np.cumsum(counts) - counts
    found_label = np.empty(images * DETECTIONS, np.int32)
    found_box, found_score = np.empty((images * DETECTIONS, 4)), np.empty(images * DETECTIONS)
    for low in range(0, images, 2_000):
        at = np.repeat(np.arange(low, min(low + 2_000, images)), DETECTIONS)
        target = np.minimum(starts[at] + (random.random(len(at)) * counts[at]).astype(np.intp), len(image) - 1)
        kind = random.choice(len(_OFTEN), len(at), p=_OFTEN)
        kind[counts[at] == 0] = _BACKGROUND
        kind[group_of[target] & (kind < _PARENT)] = _INSIDE
        verified = np.where(
            random.random(len(at)) < 0.5, label[target], negative[at, random.integers(_NEGATIVES, size=len(at))]
        )
        anything = np.where(random.random(len(at)) < 0.5, verified, some_classes(len(at)))
        of_kind = {_PARENT: parent[label[target]], _SIBLING: sibling[label[target]], _BACKGROUND: anything}
        rows = slice(low * DETECTIONS, low * DETECTIONS + len(at))
        found_label[rows] = np.select([kind == k for k in of_kind], list(of_kind.values()), label[target])
        found_box[rows] = _detected(random, box[target], kind)
        found_score[rows] = random.beta(*_BETA[kind].T).round(7)
    return truth, Predictions(*coded(np.repeat(np.arange(images), DETECTIONS), found_label), found_box, found_score)


def _kin(mids: list[str], random: np.random.Generator) -> tuple[Index, Index]:
    """For each class the column of a class above it and of one beside it; itself, or any, where there is none."""
    columns = {mid: column for column, mid in enumerate(mids)}
    parent, sibling = np.arange(len(mids)), random.integers(len(mids), size=len(mids))
    for column, mid in enumerate(mids):
        for above in open_images_hierarchy().parents(mid):
            parent[column] = columns.get(above, column)
            beside = [columns[other] for other in open_images_hierarchy().children(above) if other in columns]
            sibling[column] = beside[beside.index(column) - 1]
    return parent, sibling


def _boxes(random: np.random.Generator, count: int) -> Floats:
    """Boxes anywhere, with sides from 0.04 to 0.9."""
    sides = np.exp(random.uniform(np.log(0.04), np.log(0.9), (count, 2)))
    corner = random.random((count, 2)) * (1 - sides)
    return np.concatenate([corner, corner + sides], axis=1).round(6)


def _detected(random: np.random.Generator, target: Floats, kind: Index) -> Floats:
    """Where a detection of this kind about this box is."""
    sides = np.tile(target[:, 2:] - target[:, :2], 2)
    near = target + random.normal(0, 0.08, target.shape) * sides
    inside = target[:, [0, 1, 0, 1]] + _boxes(random, len(target)) * sides
    somewhere = _boxes(random, len(target))
    box = np.where((kind == _INSIDE)[:, None], inside, np.where((kind == _BACKGROUND)[:, None], somewhere, near))
    box = np.clip(box, 0, 1).round(6)
    flawed = random.random(len(box)) < _FLAWED
    box[flawed] = box[flawed][:, [2, 1, 0, 3]]
    return box
