"""Training targets: which box each anchor has to predict (SEMANTICS §7.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from boxable.arrays import Floats, Mask
from boxable.training.matching import BACKGROUND, Match


@dataclass(frozen=True, slots=True, eq=False)
class BatchTargets:
    """The targets of a batch of `B` images with at most `M` boxes each, for `A` anchors and `C` classes.

    `match` int64 `[B, A]`: the row of the box that an anchor predicts, -1 for background, -2 for an ignored anchor.
    `boxes` float32 `[B, M, 4]`, normalized; `columns` int64 `[B, M]`: their classes, from 0, without the background;
    `weights` float32 `[B, M]`: weights of the boxes, 0 for padding. `verified` bool `[B, C]`: the classes that are
    annotated in an image, whether it has one or not.
    """

    match: Tensor
    boxes: Tensor
    columns: Tensor
    weights: Tensor
    verified: Tensor

    def to(self, device: torch.device) -> "BatchTargets":
        """Copy to a device, unless they are there."""
        return BatchTargets(*(getattr(self, field.name).to(device) for field in fields(self)))

    @property
    def matched(self) -> Tensor:
        """Which anchors predict a box: bool `[B, A]`."""
        return self.match >= 0

    @property
    def box_weights(self) -> Tensor:
        """The weight of each anchor's box, 0 without one: float32 `[B, A]`."""
        return self.of_anchors(self.weights) * self.matched

    @property
    def normalizer(self) -> Tensor:
        """The sum of the weights of matched anchors, a float32 scalar; losses are divided by it, or by 1 if it is less.

        That of the batch of all ranks counts, before mining (SEMANTICS §7.3).
        """
        return self.box_weights.sum()

    @property
    def anchor_weights(self) -> Tensor:
        """The weight of each anchor in classification: that of its box, 1 for background, 0 if ignored."""
        return self.box_weights + (self.match == BACKGROUND)

    def of_anchors(self, values: Tensor) -> Tensor:
        """Gather the value of each anchor's box, `[B, A, ...]`, from `[B, M, ...]`; arbitrary if it has none."""
        rows = self.match.clamp(min=0)
        return values[torch.arange(len(rows), device=rows.device)[:, None], rows]


class ImageTargets(NamedTuple):
    """The targets of one image with `N` boxes, as in `BatchTargets`.

    `match` int16 `[A]`, `boxes` float32 `[N, 4]`, `columns` int64 `[N]`, `weights` float32 `[N]`, `verified` bool
    `[C]`.
    """

    match: Match
    boxes: Floats
    columns: NDArray[np.int64]
    weights: Floats
    verified: Mask


def collate_targets(images: Sequence[ImageTargets]) -> BatchTargets:
    """Stack the targets of at least one image; boxes are padded to the largest number of an image, and to 1."""
    most = max(1, *(len(image.boxes) for image in images))

    def padded(name: str) -> Tensor:
        rows = [getattr(image, name) for image in images]
        table = np.zeros((len(rows), most, *rows[0].shape[1:]), rows[0].dtype)
        for target, row in zip(table, rows, strict=True):
            target[: len(row)] = row
        return torch.from_numpy(table)

    return BatchTargets(
        torch.from_numpy(np.stack([image.match for image in images]).astype(np.int64)),
        padded("boxes"), padded("columns"), padded("weights"),
        torch.from_numpy(np.stack([image.verified for image in images])),
    )  # fmt: skip


def split_targets(targets: BatchTargets) -> list[ImageTargets]:
    """Return the targets of each image, as they were before `collate_targets`; boxes of weight 0 are dropped."""
    return [
        ImageTargets(match.astype(np.int16), boxes[kept], columns[kept], weights[kept], verified)
        for match, boxes, columns, weights, verified, kept in zip(
            *(
                values.cpu().numpy()
                for values in (
                    targets.match, targets.boxes, targets.columns, targets.weights, targets.verified,
                    targets.weights > 0,
                )
            ),
            strict=True,
        )
    ]  # fmt: skip
