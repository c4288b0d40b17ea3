"""Hard example mining (SEMANTICS §7.3)."""

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import nms

MAX_EXAMPLES = 3000
NEGATIVES_PER_POSITIVE = 3
MIN_NEGATIVES = 3
# The threshold is a float32 in TensorFlow; torchvision compares float32 with the double that it is given.
_IOU_THRESHOLD = float(np.float32(0.99))


def mine(losses: Tensor, boxes: Tensor, match: Tensor) -> Tensor:
    """Select the anchors of a batch that count in the loss: bool `[B, A]`, without gradient.

    `losses` float32 `[B, A]`: the classification loss of each anchor. `boxes` float32 `[B, A, 4]`: the decoded
    predictions. `match` int64 `[B, A]`. All matched anchors that NMS keeps are selected, and of the unmatched ones that
    it keeps the hardest: 3 for each selected matched one, but at least 3.
    """
    return torch.stack(
        [_select(hardest(*image), match[row]) for row, image in enumerate(zip(losses, boxes, strict=True))]
    )


def hardest(losses: Tensor, boxes: Tensor) -> Tensor:
    """Suppress boxes `[A, 4]` that overlap one of higher loss `[A]` by an IoU above 0.99 (greedy NMS).

    Returns the indices of the others, at most 3000, hardest first. Of equal losses the lower index comes first, as in
    TensorFlow. The two IoU differ only for boxes without area: torchvision's is NaN, not 0, where both are, and neither
    is above the threshold.
    """
    return nms(boxes, losses, _IOU_THRESHOLD)[:MAX_EXAMPLES]


def _select(order: Tensor, match: Tensor) -> Tensor:
    """Select the matched anchors of one image, and the first unmatched ones, of those in this order."""
    positive, negative = (match >= 0)[order], (match == -1)[order]
    wanted = (NEGATIVES_PER_POSITIVE * positive.sum()).clamp(min=MIN_NEGATIVES)
    selected = torch.zeros_like(match, dtype=torch.bool)
    selected[order] = positive | (negative & (negative.cumsum(0) <= wanted))
    return selected
