"""Statistics of a data set: counts by class, sizes, flags, image labels."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.datasets.dataset import Dataset
from boxable.datasets.index import FLAGS, ROTATIONS, UNKNOWN_ROTATION, Index
from boxable.formats.annotations import is_group_of

Counts = NDArray[np.int64]

# Bin edges of the histogram of boxes per image.
PER_IMAGE = (0, 1, 2, 3, 5, 9, 17, 33, 65)
# Bin edges of the side of a box, the square root of its share of the image.
SIDES = (0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
SIDE_NAMES = ("below 1/32", "1/32 to 1/16", "1/16 to 1/8", "1/8 to 1/4", "1/4 to 1/2", "1/2 and more")
# Rows that are processed together.
_CHUNK_ROWS = 1 << 19


@dataclass(frozen=True, slots=True)
class ClassStats:
    """Counts of one class: boxes, images with such a box, group-of boxes, images with a positive or negative label."""

    mid: str
    name: str
    boxes: int
    images: int
    group_of: int
    positive: int
    negative: int


@dataclass(frozen=True, slots=True)
class Stats:
    """Statistics of a data set. Histograms are pairs of name and count."""

    images: int
    images_with_boxes: int
    boxes: int
    boxes_per_image_mean: float
    boxes_per_image_median: float
    boxes_per_image_most: int
    boxes_per_image: list[tuple[str, int]]
    box_sides: list[tuple[str, int]]
    flags: dict[str, dict[str, int]]
    image_labels: dict[str, int]
    rotations: dict[str, int]
    known_sizes: int
    median_width: int
    median_height: int
    classes: list[ClassStats]

    @property
    def group_of_share(self) -> float:
        """The share of group-of boxes; 0 without a box."""
        return self.flags["IsGroupOf"]["yes"] / max(self.boxes, 1)

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON types."""
        return {**asdict(self), "group_of_share": self.group_of_share}


def stats_of(dataset: Dataset) -> Stats:
    """Compute the statistics in passes over the mapped columns; classes are sorted by boxes, descending."""
    index = dataset.index
    lengths = np.diff(index.box_starts)
    known = (index.width > 0) & (index.height > 0)
    return Stats(
        images=len(index),
        images_with_boxes=int(np.count_nonzero(lengths)),
        boxes=len(index.box),
        boxes_per_image_mean=round(float(lengths.mean()), 4) if len(lengths) else 0.0,
        boxes_per_image_median=float(np.median(lengths)) if len(lengths) else 0.0,
        boxes_per_image_most=int(lengths.max(initial=0)),
        boxes_per_image=list(zip(_per_image_names(), _histogram(lengths, PER_IMAGE), strict=True)),
        box_sides=list(zip(SIDE_NAMES, _sides(index), strict=True)),
        flags=_flags(index),
        image_labels=_image_labels(index),
        rotations=_rotations(index),
        known_sizes=int(np.count_nonzero(known)),
        median_width=int(np.median(index.width[known])) if known.any() else 0,
        median_height=int(np.median(index.height[known])) if known.any() else 0,
        classes=_classes(dataset),
    )


def _per_image_names() -> list[str]:
    names = [str(low) if high == low + 1 else f"{low} to {high - 1}" for low, high in pairwise(PER_IMAGE)]
    return [*names, f"{PER_IMAGE[-1]} and more"]


def _histogram(values: NDArray[Any], edges: tuple[float, ...]) -> list[int]:
    """Count the values from each edge to the next; the last bin is open."""
    bars = np.searchsorted(np.array(edges), values, side="right") - 1
    counts: list[int] = np.bincount(bars[bars >= 0], minlength=len(edges)).tolist()
    return counts


def _chunks(count: int) -> Iterator[slice]:
    for start in range(0, count, _CHUNK_ROWS):
        yield slice(start, min(start + _CHUNK_ROWS, count))


def _sides(index: Index) -> list[int]:
    counts = np.zeros(len(SIDES), np.int64)
    for rows in _chunks(len(index.box)):
        ymin, xmin, ymax, xmax = index.box[rows].T
        area = (ymax - ymin).clip(0) * (xmax - xmin).clip(0)
        counts += _histogram(np.sqrt(area[np.isfinite(area)]), SIDES)
    figures: list[int] = counts.tolist()
    return figures


def _flags(index: Index) -> dict[str, dict[str, int]]:
    counts = np.zeros((len(FLAGS), 3), np.int64)
    for rows in _chunks(len(index.flags)):
        for number, column in enumerate(index.flags[rows].T):
            counts[number] += np.bincount(column + 1, minlength=3)
    return {
        flag: dict(zip(("unknown", "no", "yes"), row, strict=True))
        for flag, row in zip(FLAGS, counts.tolist(), strict=True)
    }


def _image_labels(index: Index) -> dict[str, int]:
    positive, negative = (int(np.count_nonzero(index.confidence == value)) for value in (1, 0))
    return {"positive": positive, "negative": negative, "other": len(index.confidence) - positive - negative}


def _rotations(index: Index) -> dict[str, int]:
    names = {UNKNOWN_ROTATION: "unknown", **{degrees: f"{degrees}°" for degrees in ROTATIONS}}
    return {name: int(np.count_nonzero(index.rotation == degrees)) for degrees, name in names.items()}


def _classes(dataset: Dataset) -> list[ClassStats]:
    index = dataset.index
    count = len(index.mids)
    groups = np.zeros(count, np.int64)
    group_of = FLAGS.index("IsGroupOf")
    for rows in _chunks(len(index.box_label)):
        groups += np.bincount(index.box_label[rows][is_group_of(index.flags[rows, group_of])], minlength=count)
    positive, negative = (
        _images_of_classes(index.label_starts, index.image_label, count, index.confidence == value) for value in (1, 0)
    )
    boxes = np.bincount(index.box_label, minlength=count)
    images = _images_of_classes(index.box_starts, index.box_label, count)
    figures = zip(index.mids, boxes, images, groups, positive, negative, strict=True)
    by_mid = {mid: tuple(map(int, row)) for mid, *row in figures}
    counted = [ClassStats(item.mid, item.name, *by_mid.get(item.mid, (0, 0, 0, 0, 0))) for item in dataset.classes]
    return sorted(counted, key=lambda item: (-item.boxes, -item.positive, item.name))


def _images_of_classes(
    starts: Counts, labels: NDArray[np.int32], count: int, counted: NDArray[np.bool_] | None = None
) -> Counts:
    """Count the images with a row of each class: int64 `[count]`.

    Rows are sorted by image, and `starts` gives the first of each. `counted` bool `[N]` selects rows, all by default.
    """
    images = np.zeros(count, np.int64)
    for chunk in _chunks(len(labels)):
        rows = _rows(chunk.start, chunk.stop, counted)
        if not len(rows):
            continue
        image = np.searchsorted(starts, rows, side="right")
        pairs = _distinct(image * count + labels[rows])
        first = starts[image[0] - 1]
        if first < chunk.start:  # the first image began in the previous chunk, where these classes were counted
            before = _distinct(image[0] * count + labels[_rows(first, chunk.start, counted)])
            pairs = np.setdiff1d(pairs, before, assume_unique=True)
        images += np.bincount(pairs % count, minlength=count)
    return images


def _rows(start: int, stop: int, counted: NDArray[np.bool_] | None) -> Counts:
    return np.arange(start, stop) if counted is None else start + np.flatnonzero(counted[start:stop])


def _distinct(values: Counts) -> Counts:
    """Sort and deduplicate; faster than `np.unique`, which hashes, because values are nearly sorted."""
    values = np.sort(values)
    return np.asarray(values[np.append(True, values[1:] != values[:-1])[: len(values)]])
