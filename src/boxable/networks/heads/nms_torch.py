"""Post-processing of whole batches in torch, on the device of the predictions. Needs torch.

The rules are those of `nms`, and so is the argument: greedy NMS never lets a lower score act on a higher one, so the
best candidates of an image suffice if enough of them are kept. All images and classes are processed at once: each
candidate is compared with all others of its image, and greedy NMS is the fixed point of "kept if no kept better one of
its class overlaps it". A first pass takes few candidates, enough for nearly all images; the others get a second pass
with more, and images that are not finished even then are processed in NumPy. torchvision's batched NMS is not exact: to
keep classes apart it moves their boxes, which rounds their IoU.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from boxable.networks.heads.box_coder_torch import decode
from boxable.networks.heads.nms import SIGMOID_ROUNDING, postprocess
from boxable.networks.heads.rules import NmsResult, PostprocessRules


@dataclass(frozen=True, slots=True)
class Pass:
    """How many candidates of a image are compared, and how often NMS is repeated to reach its fixed point."""

    candidates: int
    rounds: int


# Measured with the 23-class network on 53 images: the first pass sufficed for the best 100 of 51 images, with 8 rounds
# of 48, and for scores of at least 0.3 of all.
FIRST, SECOND = Pass(512, 12), Pass(2048, 64)
# Pairs of candidates that are compared at once: bounds the memory to about a gigabyte.
PAIRS = 2**25
_LAST = 2**63 - 1


def postprocess_batch(
    codes: Tensor, logits: Tensor, anchors: NDArray[np.float32], rules: PostprocessRules
) -> list[NmsResult]:
    """Decode and suppress the predictions of a batch on their device, as `nms.postprocess` does for one image.

    Box codes `[B, A, 4]`, class logits `[B, A, C + 1]`, anchors `[A, 4]`. Scores may differ from NumPy's in the last
    digits, as exponential functions do, and so may the order of scores that are that near.
    """
    if rules.columns is not None:
        logits = logits[..., torch.tensor([0, *(rules.columns + 1).tolist()], device=logits.device)]
    placed = torch.tensor(anchors, device=codes.device)
    found = finish(first_pass(codes, logits, placed, rules), codes, logits, placed, rules)
    if rules.columns is None:
        return found
    return [replace(kept, columns=rules.columns[kept.columns]) for kept in found]


def first_pass(codes: Tensor, logits: Tensor, anchors: Tensor, rules: PostprocessRules) -> Tensor:
    """Find the best detections of each image in a first pass, as a table for `finish`; never waits for the device.

    float32 `[B, N, 9]`: box, score, column, anchor, 1 if it is a detection, 1 if its image needs no other limits. Here
    and in `finish` the heads have no other columns than the rules ask for.
    """
    return _tables(codes, logits, anchors, rules, FIRST)


def finish(first: Tensor, codes: Tensor, logits: Tensor, anchors: Tensor, rules: PostprocessRules) -> list[NmsResult]:
    """Return the detections of each image from its first pass, or from another where that was not enough."""
    tables = list(first.cpu().numpy())
    unfinished = [index for index, table in enumerate(tables) if not table[0, 8]]
    if unfinished:
        again = _tables(codes[unfinished], logits[unfinished], anchors, rules, SECOND).cpu().numpy()
        for index, table in zip(unfinished, again, strict=True):
            tables[index] = table
    return [
        _result(table) if table[0, 8] else _by_numpy(codes[index], logits[index], anchors, rules)
        for index, table in enumerate(tables)
    ]


def _result(table: NDArray[np.float32]) -> NmsResult:
    table = table[table[:, 7] > 0]
    return NmsResult(table[:, :4], table[:, 4], table[:, 5].astype(np.intp), table[:, 6].astype(np.intp))


def _by_numpy(codes: Tensor, logits: Tensor, anchors: Tensor, rules: PostprocessRules) -> NmsResult:
    arrays = [tensor.float().cpu().numpy() for tensor in (codes, logits, anchors)]
    return postprocess(arrays[0], arrays[1], arrays[2], replace(rules, columns=None))


def _tables(codes: Tensor, logits: Tensor, anchors: Tensor, rules: PostprocessRules, limits: Pass) -> Tensor:
    images = max(1, PAIRS // limits.candidates**2)
    with torch.inference_mode():
        parts = zip(codes.split(images), logits.split(images), strict=True)
        return torch.cat([_table(*part, anchors, rules, limits) for part in parts])


def _table(codes: Tensor, logits: Tensor, anchors: Tensor, rules: PostprocessRules, limits: Pass) -> Tensor:
    scores, columns, rows, lower = _candidates(logits[..., 1:], limits.candidates)
    wanted = (scores > rules.score_threshold) & (scores >= rules.min_score) & (scores > lower)
    # In the order of SEMANTICS §6.3, as one number: the bits of a positive float rise with it.
    place = columns * len(anchors) + rows
    key = ((2**31 - 1 - scores.view(torch.int32).long()) << 32) + place
    order = key.masked_fill(~wanted, _LAST).argsort(1)
    scores, columns, rows, wanted = (tensor.gather(1, order) for tensor in (scores, columns, rows, wanted))
    boxes = decode(codes.float().gather(1, rows[..., None].expand(-1, -1, 4)), anchors[rows])

    together = (wanted[:, :, None] & wanted[:, None, :]).triu(1)
    if rules.nms != "class-agnostic":
        together &= columns[:, :, None] == columns[:, None, :]
    alive, settled = _greedy(wanted, together & (_iou(boxes) > rules.iou_threshold), limits.rounds)
    alive &= _count(alive, together) < rules.max_per_class

    boxes_inside = boxes.clamp(0.0, 1.0)
    seen = alive & (_area(boxes_inside) > 0)
    exhausted = (lower <= rules.score_threshold) | (lower < rules.min_score)
    final = settled[:, None] & (exhausted | (seen.sum(1, keepdim=True) >= rules.max_total))
    table = torch.cat([boxes_inside, torch.stack([scores, columns, rows, seen, final.expand_as(seen)], 2).float()], 2)
    first = (~seen).long().argsort(dim=1, stable=True)[:, : rules.max_total]
    return table.gather(1, first[..., None].expand(-1, -1, table.shape[2]))


def _candidates(values: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scores, columns and rows `[B, K]` of the highest values `[B, A, C]`, and a score `[B, 1]` that no other exceeds.

    Those at or below that score may not be complete.
    """
    _, rows, columns = values.shape
    # The highest `count` values lie in the `count` rows that have the highest best value.
    near = values.amax(2).topk(min(count, rows)).indices
    best = values.gather(1, near[..., None].expand(-1, -1, columns)).flatten(1)
    top = best.topk(min(count, best.shape[1]))
    scores = torch.sigmoid(top.values.float())
    complete = top.values.shape[1] == rows * columns
    # Two values that near may change places in a float32 sigmoid.
    lower = scores[:, -1:] * (1 + SIGMOID_ROUNDING)
    return (
        scores, top.indices % columns, near.gather(1, top.indices // columns),
        torch.full_like(lower, -1.0) if complete else lower,
    )  # fmt: skip


def _iou(boxes: Tensor) -> Tensor:
    """As `boxes.iou`, of all pairs: `[B, K, K]` of boxes `[B, K, 4]`."""
    low, high = torch.minimum(boxes[..., :2], boxes[..., 2:]), torch.maximum(boxes[..., :2], boxes[..., 2:])
    areas = (high[..., 0] - low[..., 0]) * (high[..., 1] - low[..., 1])
    shared = _common(low[..., 0], high[..., 0]) * _common(low[..., 1], high[..., 1])
    ratio = shared / (areas[:, :, None] + areas[:, None, :] - shared)
    solid = areas > 0
    return ratio.masked_fill_(~(solid[:, :, None] & solid[:, None, :]), 0.0)


def _common(low: Tensor, high: Tensor) -> Tensor:
    """How much of an axis all pairs have in common: `[B, K, K]` of the ends `[B, K]`."""
    shared = torch.minimum(high[:, :, None], high[:, None, :]) - torch.maximum(low[:, :, None], low[:, None, :])
    return shared.clamp_(min=0)


def _greedy(wanted: Tensor, over: Tensor, rounds: int) -> tuple[Tensor, Tensor]:
    """Which of the sorted candidates `[B, K]` survive, where `over` `[B, i, j]` says that i suppresses j if it does.

    Also, for each image, whether the fixed point was reached: it is unique, as each hangs on better ones only.
    """
    alive = before = wanted
    numbers = over.float()
    for _ in range(rounds):
        before, alive = alive, wanted & (_count(alive, numbers) == 0)
    return alive, (alive == before).all(1)


def _count(alive: Tensor, together: Tensor) -> Tensor:
    """For each candidate, how many living better ones belong together with it."""
    return torch.matmul(alive[:, None, :].float(), together.float())[:, 0]


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
