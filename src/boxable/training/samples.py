"""Training samples: an annotated image, augmented, as the input of a network and the targets of its anchors."""

from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats, Ints, Mask
from boxable.datasets.dataset import Targets as Annotations
from boxable.errors import ImageError
from boxable.images.contiguous import contiguous
from boxable.images.decode import Pixels
from boxable.networks.preprocess import Preprocess
from boxable.training.augmentation import DEFAULT, ORIGINAL, Augmentation
from boxable.training.images import TrainingImages
from boxable.training.matching import ignore_inside, match_anchors
from boxable.training.options import LabelPolicy
from boxable.training.order import SampleKey, SampleOrder
from boxable.training.targets import ImageTargets

# Replacements that are tried for an unreadable image.
_REPLACEMENTS = 100


@dataclass(frozen=True, slots=True)
class SampleRules:
    """How annotated images become samples; the defaults are those of the default recipe.

    Without `augmentation` the image stays. `exhaustive` annotations: all classes are verified in each image;
    `verified`: those with a box or a negative label. A positive label without a box leaves the class unverified: it is
    somewhere. With `ignore_group_of`, group-of boxes are not objects, and anchors inside are ignored. At most
    `most_boxes` of an image are used, the first ones.
    """

    augmentation: Augmentation | None = DEFAULT
    annotations: LabelPolicy = "exhaustive"
    ignore_group_of: bool = True
    most_boxes: int | None = None


# The original recipe: SEMANTICS §7.1, §7.2 and §7.7.
ORIGINAL_RULES = SampleRules(ORIGINAL, ignore_group_of=False, most_boxes=100)


class Sample(NamedTuple):
    """The input of a network float32 `[h, w, 3]`, and its targets.

    `unreadable` tells why the image of the key could not be read, if it is another that replaces it.
    """

    image: Floats
    targets: ImageTargets
    unreadable: str | None


class Samples:
    """The samples of training images by their key: a pure function of the seed of `order` and the key.

    `columns` int32 has the column of the network for each label id, -1 for none, and the network has `num_classes`;
    boxes of other classes are dropped. `anchors` float32 `[A, 4]` and `preprocess` are those of the network.
    """

    def __init__(
        self, images: TrainingImages, order: SampleOrder, columns: Ints, num_classes: int, anchors: Floats,
        preprocess: Preprocess, rules: SampleRules,
    ) -> None:  # fmt: skip
        self._images, self._order, self._anchors, self._preprocess = images, order, anchors, preprocess
        self._columns, self._num_classes, self._rules = columns, num_classes, rules

    def __getitem__(self, key: SampleKey | tuple[int, int]) -> Sample:
        """Make a sample.

        An unreadable image is replaced by the next readable one of the epoch's order. Raises ImageError where there is
        none in the next 100.
        """
        key = SampleKey(*key)
        pixels, annotations, unreadable = self._read(key)
        columns = self._columns_of(annotations.label_ids)
        verified = self._verified(annotations, columns)
        known = np.flatnonzero(columns >= 0)
        boxes = annotations.boxes[known]
        rng = np.random.default_rng([self._order.seed, *key])
        augmentation = self._rules.augmentation
        if augmentation is not None:
            pixels, boxes, rows = augmentation.spatial(rng, pixels, boxes)
            known = known[rows]
        image = self._preprocess(contiguous(pixels))
        if augmentation is not None:
            augmentation.photometric(rng, image)
        targets = self._targets(boxes, columns[known], annotations.group_of[known] == 1, verified)
        return Sample(image, targets, unreadable)

    def _read(self, key: SampleKey) -> tuple[Pixels, Annotations, str | None]:
        """Load the image of a key, or a replacement and the error."""
        try:
            return *self._images[key.position], None
        except ImageError as error:
            cause = error
        for position in islice(self._order.following(key), _REPLACEMENTS):
            try:
                return *self._images[position], str(cause)
            except ImageError:
                continue  # told by its own sample
        raise ImageError(f"{cause}; the next {_REPLACEMENTS} images are unreadable too") from cause

    def _columns_of(self, label_ids: Ints) -> NDArray[np.int64]:
        """Look up the columns of label ids `[N]`: int64 `[N]`, -1 for classes that the network does not have."""
        known = label_ids < len(self._columns)
        return np.where(known, self._columns[label_ids * known], -1).astype(np.int64)

    def _verified(self, annotations: Annotations, columns: NDArray[np.int64]) -> Mask:
        """Tell which classes are verified in an image, with boxes of these columns `[N]`: bool `[C]`."""
        if self._rules.annotations == "exhaustive":
            return np.ones(self._num_classes, np.bool_)
        negative, positive = (self._columns_of(ids) for ids in (annotations.negative, annotations.positive))
        verified = np.zeros(self._num_classes + 1, np.bool_)  # the last, -1, is of classes that it does not have
        verified[negative] = True
        verified[positive] = False
        verified[columns] = True
        return verified[:-1]

    def _targets(self, boxes: Floats, columns: NDArray[np.int64], group_of: Mask, verified: Mask) -> ImageTargets:
        """Match the anchors of an image with its boxes `[N, 4]`."""
        groups = group_of & self._rules.ignore_group_of
        rows = np.flatnonzero(~groups)[: self._rules.most_boxes]
        match = match_anchors(boxes[rows], self._anchors)
        match = ignore_inside(match, boxes[groups], self._anchors)
        return ImageTargets(match, boxes[rows], columns[rows], np.ones(len(rows), np.float32), verified)
