"""Annotations and predictions as columns, one row a box or an image label, in the terms of Open Images."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boxable.findings import Finding
from boxable.vocabulary import ClassList

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column of strings: row i holds `values[codes[i]]`. `codes` int32 `[N]`; `values` are distinct."""

    codes: Ints
    values: list[str]

    @classmethod
    def of(cls, strings: Iterable[str]) -> "Coded":
        """Encode strings; values are in order of first appearance."""
        numbers: dict[str, int] = {}
        codes = [numbers.setdefault(text, len(numbers)) for text in strings]
        return cls(np.array(codes, np.int32), list(numbers))

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Coded":
        """Select rows (indices or a mask)."""
        return Coded(self.codes[rows], self.values)

    def used(self) -> list[str]:
        """List the values that occur."""
        return [self.values[code] for code in np.unique(self.codes)]

    def is_in(self, values: Collection[str]) -> NDArray[np.bool_]:
        """Test which rows hold one of these values: bool `[N]`."""
        return np.array([value in values for value in self.values], bool)[self.codes]

    def strings(self) -> list[str]:
        """Decode to one string a row."""
        return [self.values[code] for code in self.codes]


@dataclass(frozen=True, slots=True, eq=False)
class TruthBoxes:
    """Ground-truth boxes: image ids and MIDs `[N]`, `box` float64 `[N, 4]` (ymin, xmin, ymax, xmax; normalized).

    `group_of` int8 `[N]` is the released flag: 1 several objects in one box, 0 one, -1 unknown (`is_group_of`).
    `difficult` bool `[N]` is Pascal VOC's; `area` float64 `[N]` is COCO's, of the object itself in pixels, else NaN.
    `xywh` float64 `[N, 4]` is the box (x, y, width, height) in pixels, exact; None where the format has no pixels.
    """

    image: Coded
    label: Coded
    box: Floats
    group_of: NDArray[np.int8]
    difficult: NDArray[np.bool_]
    area: Floats
    xywh: Floats | None = None

    def __len__(self) -> int:
        return len(self.box)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "TruthBoxes":
        """Select rows (indices or a mask)."""
        return TruthBoxes(
            self.image.take(rows), self.label.take(rows), self.box[rows], self.group_of[rows], self.difficult[rows],
            self.area[rows], None if self.xywh is None else self.xywh[rows],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ImageLabels:
    """Labels of whole images: `confidence` `[N]` is 1 for a positive verified label, 0 for a negative one."""

    image: Coded
    label: Coded
    confidence: Floats

    def __len__(self) -> int:
        return len(self.confidence)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "ImageLabels":
        """Select rows (indices or a mask)."""
        return ImageLabels(self.image.take(rows), self.label.take(rows), self.confidence[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predicted boxes: as TruthBoxes, with a `score` float64 `[N]`. `notes` are on what was dropped while reading."""

    image: Coded
    label: Coded
    box: Floats
    score: Floats
    xywh: Floats | None = None
    notes: list[Finding] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True, slots=True, eq=False)
class Annotations:
    """The ground truth of a set of images.

    `classes` are named by the set itself; empty if it names none. `sizes` gives width and height in pixels by image
    id, of every image that is listed with them, and `files` the image files that are there. `coco_ids` gives COCO's ids
    by image id, which order equal scores. `notes` are on what was dropped while it was read.
    """

    boxes: TruthBoxes
    image_labels: ImageLabels
    classes: ClassList = field(default_factory=lambda: ClassList(()))
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    coco_ids: dict[str, int | str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)

    @property
    def images(self) -> list[str]:
        """The ids of the images with a box or an image label, in order."""
        return sorted({*self.boxes.image.used(), *self.image_labels.image.used()})

    @property
    def listed_images(self) -> list[str]:
        """The ids in `images` and of the images that are listed with a size, in order."""
        return sorted({*self.images, *self.sizes})

    @property
    def images_by_coco_id(self) -> list[str]:
        """The listed images in the order of COCO's ids, numbers before strings; of a set without them as listed."""
        ids = {image: self.coco_ids.get(image, image) for image in self.listed_images}
        return sorted(ids, key=lambda image: (isinstance(ids[image], str), ids[image]))

    def of_images(self, images: Collection[str]) -> "Annotations":
        """Keep the rows of these images."""
        return Annotations(
            self.boxes.take(self.boxes.image.is_in(images)),
            self.image_labels.take(self.image_labels.image.is_in(images)),
            self.classes,
            {image: size for image, size in self.sizes.items() if image in images},
            {image: number for image, number in self.coco_ids.items() if image in images},
            {image: path for image, path in self.files.items() if image in images},
            self.notes,
        )


def is_group_of(flags: NDArray[np.int8], *, unknown: bool = False) -> NDArray[np.bool_]:
    """Turn IsGroupOf flags into a mask: 1 is a group, 0 is none, -1 (unknown) is a group if `unknown`."""
    return flags != 0 if unknown else flags > 0


def no_predictions() -> Predictions:
    """Make predictions without a row."""
    return Predictions(Coded.of(()), Coded.of(()), np.zeros((0, 4)), np.zeros(0), np.zeros((0, 4)))


def no_image_labels() -> ImageLabels:
    """Make image labels without a row."""
    return ImageLabels(Coded.of(()), Coded.of(()), np.zeros(0))
