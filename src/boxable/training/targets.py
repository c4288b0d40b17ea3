"""Training targets: which box each anchor has to predict (SEMANTICS §7.2)."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
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
