"""How an image becomes the input of a network: resize, then scale to -1..1 (SEMANTICS §2 and §11)."""

from dataclasses import dataclass

import numpy as np

from boxable.arrays import Floats, Pixels
from boxable.images.resize import resize_bilinear


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Resize to a fixed size, or, with `keep_aspect`, to the largest size that fits a frame of this size.

    `size` is (height, width). With `keep_aspect` it is the frame of a landscape image, turned for a portrait or square
    one; small images are enlarged. Either way the result is not padded.
    """

    size: tuple[int, int]
    keep_aspect: bool = False

    @property
    def shortest_side(self) -> int:
        """The side in pixels below which an image is enlarged."""
        return min(self.size)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image of this height and width is resized to; each at least 1."""
        if not self.keep_aspect:
            return self.size
        frame = self.size if height < width else self.size[::-1]
        sides = np.array([height, width], np.float32)
        scale = (np.array(frame, np.float32) / sides).min()
        resized_height, resized_width = np.maximum(np.round(scale * sides), 1).astype(int).tolist()
        return resized_height, resized_width

    def __call__(self, image: Pixels, out: Floats | None = None) -> Floats:
        """Resize and scale an image `[H, W, 3]` with values 0..255 to float32 `[*output_size, 3]` in -1..1.

        Written into `out`, contiguous, if given.
        """
        return resize_bilinear(image, self.output_size(*image.shape[:2]), out, _to_unit)


def _to_unit(values: Floats) -> None:
    """Scale 0..255 to -1..1, in place: two rounded operations (SEMANTICS §2.1)."""
    values *= np.float32(2.0 / 255.0)
    values -= np.float32(1.0)
