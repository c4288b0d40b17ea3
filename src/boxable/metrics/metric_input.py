"""Ground truth and predictions as columns of numbers: the input of every metric."""

from dataclasses import dataclass
from functools import reduce

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from boxable.metrics.row_hash import row_hashes

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class MetricInput:
    """Columns of ground truth `[T]` and predictions `[P]`; `image` int32 indexes `images`, `label` indexes `mids`.

    Boxes are float64 `[N, 4]` (ymin, xmin, ymax, xmax). `verified` int64: sorted keys (image * classes + class) of the
    verified image-level labels, positive or negative. `truth_object` intp `[T]`: the row of the annotated box that this
    row is a copy of, made for an ancestor of its class, or its own row. `truth_area` `[T]`: pixels of the object
    itself, NaN where only its box is known.
    """

    images: list[str]
    mids: list[str]
    truth_image: Ints
    truth_label: Ints
    truth_box: Floats
    truth_group_of: Mask
    truth_difficult: Mask
    truth_object: Index
    truth_area: Floats
    verified: NDArray[np.int64]
    image: Ints
    label: Ints
    box: Floats
    score: Floats

    @property
    def key_limit(self) -> int:
        """Upper bound (exclusive) of the keys."""
        return len(self.images) * len(self.mids)

    def keys(self, image: Ints, label: Ints) -> NDArray[np.int64]:
        """Encode pairs of image and class as one number each."""
        return image.astype(np.int64) * len(self.mids) + label

    def truth_digest(self) -> str:
        """Compute a checksum of the ground truth that does not depend on the order of its rows."""
        columns = (
            self.truth_image, self.truth_label, *self.truth_box.T, self.truth_group_of, self.truth_difficult,
        )  # fmt: skip
        names = "\n".join([*self.images, "", *self.mids]).encode("utf-8", "surrogatepass")
        parts = [names, np.sort(row_hashes(columns, len(self.truth_box))).tobytes(), self.verified.tobytes()]
        return f"crc32c:{reduce(google_crc32c.extend, parts, 0):08x}"
