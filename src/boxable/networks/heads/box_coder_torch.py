"""The box coder in torch: `boxes.decode` and its inverse (SEMANTICS §5). Needs torch."""

import torch
from torch import Tensor

from boxable.boxes import CODE_SCALES

_CENTER_SCALE, _, _SIZE_SCALE, _ = CODE_SCALES  # both axes have the same
# Added to sizes before they are divided, so that a box without height or width has finite codes.
_EPSILON = 1e-8


def decode(codes: Tensor, anchors: Tensor) -> Tensor:
    """Decode box codes (ty, tx, th, tw) `[..., 4]` into boxes `[..., 4]`, as `boxes.decode` does."""
    sizes = anchors[..., 2:] - anchors[..., :2]
    centers = codes[..., :2] / _CENTER_SCALE * sizes + (anchors[..., :2] + sizes * 0.5)
    halves = torch.exp(codes[..., 2:] / _SIZE_SCALE) * sizes * 0.5
    return torch.cat([centers - halves, centers + halves], -1)


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Encode boxes `[..., 4]` as codes (ty, tx, th, tw) `[..., 4]` relative to their anchors `[..., 4]`."""
    sizes, anchor_sizes = (corners[..., 2:] - corners[..., :2] for corners in (boxes, anchors))
    centers = (boxes[..., :2] + sizes * 0.5) - (anchors[..., :2] + anchor_sizes * 0.5)
    anchor_sizes = anchor_sizes + _EPSILON
    scaled = torch.log((sizes + _EPSILON) / anchor_sizes) * _SIZE_SCALE
    return torch.cat([centers / anchor_sizes * _CENTER_SCALE, scaled], -1)
