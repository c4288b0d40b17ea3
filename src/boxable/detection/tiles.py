"""Detection in tiles: small objects are larger in a part of an image that is resized to the size of the network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from boxable.arrays import Floats, Pixels
from boxable.errors import ArgumentError
from boxable.networks.heads.nms import multiclass_nms
from boxable.networks.heads.rules import NmsResult, PostprocessRules
from boxable.networks.preprocess import Preprocess

# Top, left, bottom, right, in pixels.
Window = tuple[int, int, int, int]

OVERLAP = 0.2
# A box that comes so near to an inner edge of its tile, of the side of that, is taken to be cut off there.
_EDGE = 0.01


@dataclass(frozen=True, slots=True)
class Tiles:
    """Divide images into square tiles of `size` pixels. Neighbors overlap by at least `overlap * size`.

    With `whole` the network also runs on the whole image, and boxes that are cut off by the edge of a tile are dropped.
    Raises ArgumentError.
    """

    size: int
    overlap: float = OVERLAP
    whole: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.size, int | np.integer) or self.size < 1:
            raise ArgumentError(f"tiles: expected a number of pixels from 1, got {self.size!r}")
        if not 0 <= self.overlap <= 0.9:
            raise ArgumentError(f"overlap: expected a number from 0 to 0.9, got {self.overlap!r}")

    def windows(self, height: int, width: int) -> list[Window]:
        """Place the tiles on an image of this height and width, row by row, evenly; one that fits in a tile has none.

        The image itself comes first with `whole`, and where there is no tile.
        """
        rows, columns = (self._starts(side) for side in (height, width))
        found = [
            (top, left, min(top + self.size, height), min(left + self.size, width)) for top in rows for left in columns
        ]
        image = (0, 0, height, width)
        if found == [image]:
            return found
        return [image, *found] if self.whole else found

    def _starts(self, side: int) -> list[int]:
        if side <= self.size:
            return [0]
        count = 1 + -(-(side - self.size) // max(1, int(self.size * (1 - self.overlap))))
        return [round(start) for start in np.linspace(0, side - self.size, count).tolist()]

    def detect(
        self, pixels: Pixels, preprocess: Preprocess, detect: Callable[[Floats], list[NmsResult]], batch_size: int,
        rules: PostprocessRules,
    ) -> NmsResult:  # fmt: skip
        """Detect in the tiles of an image `[H, W, 3]`, in batches of those that are resized to one size, and merge."""
        windows = self.windows(*pixels.shape[:2])
        by_size: dict[tuple[int, int], list[Window]] = {}
        for window in windows:
            top, left, bottom, right = window
            by_size.setdefault(preprocess.output_size(bottom - top, right - left), []).append(window)
        found: dict[Window, NmsResult] = {}
        for alike in by_size.values():
            for start in range(0, len(alike), batch_size):
                part = alike[start : start + batch_size]
                cut = [pixels[top:bottom, left:right].copy() for top, left, bottom, right in part]
                batch = np.stack([preprocess(image) for image in cut])
                found.update(zip(part, detect(batch), strict=True))
        return self.merge([found[window] for window in windows], windows, rules)

    def merge(self, results: Sequence[NmsResult], windows: Sequence[Window], rules: PostprocessRules) -> NmsResult:
        """Map the detections of windows to the image, boxes in 0..1, and apply NMS.

        Each result is of the window beside it, in 0..1 of that; `anchors` of what is returned are numbers of windows.
        """
        height, width = (max(window[axis] for window in windows) for axis in (2, 3))
        kept = [
            _placed(result, window, number, (height, width), self.whole)
            for number, (result, window) in enumerate(zip(results, windows, strict=True))
        ]
        boxes, scores, columns, numbers = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        values = np.zeros((len(scores), 1 + columns.max(initial=-1)), np.float32)
        values[np.arange(len(scores)), columns] = scores
        found = multiclass_nms(lambda rows, _: boxes[rows], values, replace(rules, columns=None))
        return NmsResult(found.boxes, found.scores, found.columns, numbers[found.anchors])


def tiles_for(tiles: int | None, overlap: float | None, and_whole: bool) -> Tiles | None:
    """Return the tiles of these options, None without a size. Raises ArgumentError."""
    if tiles is None:
        if overlap is not None or and_whole:
            raise ArgumentError("overlap and and_whole are for tiles; give the size of tiles too")
        return None
    return Tiles(tiles, OVERLAP if overlap is None else overlap, and_whole)


def _placed(
    result: NmsResult, window: Window, number: int, size: tuple[int, int], drops_cut: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Move boxes from a window to the image; without those that are cut off, if these are to be dropped."""
    top, left, bottom, right = window
    kept = np.ones(len(result.scores), bool)
    if drops_cut:
        inner = np.array([top > 0, left > 0, bottom < size[0], right < size[1]])
        ends = np.concatenate([result.boxes[:, :2] <= _EDGE, result.boxes[:, 2:] >= 1 - _EDGE], axis=1)
        kept = ~(ends & inner).any(axis=1)
    scale = np.array([bottom - top, right - left] * 2, np.float32)
    boxes = (result.boxes[kept] * scale + np.array([top, left] * 2, np.float32)) / np.array(size * 2, np.float32)
    return boxes, result.scores[kept], result.columns[kept], np.full(kept.sum(), number, np.intp)
