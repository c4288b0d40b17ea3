"""From pictures to detections for whole batches, in torch, without leaving the device. Needs torch.

The rules are `postprocess`'s, and so is the argument: greedy NMS never lets a lower score act on a higher one, so the
best candidates of a picture suffice if enough of them survive. All pictures and classes go at once: each candidate is
compared with all others of its picture, and greedy NMS is the fixed point of "alive if no living better one of its
class overlaps it". A first look takes few candidates, enough for nearly all pictures; the others are looked at again
with more, and what is open even then is left to NumPy. torchvision's batched NMS would not do: to keep classes apart it
moves their boxes, which rounds their IoU.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from boxable.boxes import CODE_SCALES
from boxable.detection.postprocess import (
    IOU_THRESHOLD,
    MAX_PER_CLASS,
    MAX_TOTAL,
    SIGMOID_ROUNDING,
    Kept,
    Nms,
    postprocess,
)  # fmt: skip
from boxable.runtimes.torch_runtime import Images, TorchRuntime
from boxable.weights.model import SCORE_THRESHOLD


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked for, as in the arguments of `postprocess`."""

    columns: NDArray[np.intp] | None = None
    min_score: float = 0.0
    score_threshold: float = SCORE_THRESHOLD
    max_detections: int = MAX_TOTAL
    nms: Nms = "per-class"


@dataclass(frozen=True, slots=True)
class Look:
    """How many candidates of a picture are compared, and how often NMS is repeated to reach its fixed point."""

    candidates: int
    rounds: int


# Measured with the 23-class network on 53 photos: the first look sufficed for the best 100 of 51 photos, with 8 rounds
# of 48, and for what scores at least 0.3 of all.
FIRST, SECOND = Look(512, 12), Look(2048, 64)
# Pairs of candidates that are compared at once: bounds the memory to about a gigabyte.
PAIRS = 2**25
_LAST = 2**63 - 1


def detect(runtime: TorchRuntime, images: Images, anchors: NDArray[np.float32], rules: Rules) -> list[Kept]:
    """Detections of each of the images `[B, size, size, 3]`, float32 in -1..1 or uint8, with anchors `[A, 4]`.

    As `postprocess`; scores may differ in the last digits, as exponential functions do, and so may the order of scores
    that are that near.
    """
    codes, logits = runtime.heads(runtime.to_device(images))
    return postprocess_batch(codes, logits, runtime.to_device(anchors), rules)


def postprocess_batch(codes: Tensor, logits: Tensor, anchors: Tensor, rules: Rules) -> list[Kept]:
    """As `detect`, from box codes `[B, A, 4]`, class logits `[B, A, C + 1]` and anchors `[A, 4]` on one device."""
    if rules.columns is not None:
        logits = logits[..., torch.tensor([0, *(rules.columns + 1).tolist()], device=logits.device)]
    found = finish(first_look(codes, logits, anchors, rules), codes, logits, anchors, rules)
    if rules.columns is None:
        return found
    return [replace(kept, columns=rules.columns[kept.columns]) for kept in found]


def first_look(codes: Tensor, logits: Tensor, anchors: Tensor, rules: Rules) -> Tensor:
    """The best detections of each picture, as a table for `finish`; never waits for the device.

    float32 `[B, N, 9]`: box, score, column, anchor, 1 if it is a detection, 1 if its picture needs no other look. Here
    and in `finish` the heads have no other columns than the rules ask for.
    """
    return _tables(codes, logits, anchors, rules, FIRST)


def finish(first: Tensor, codes: Tensor, logits: Tensor, anchors: Tensor, rules: Rules) -> list[Kept]:
    """The detections of each picture from its first look, or from another where that was not enough."""
    tables = list(first.cpu().numpy())
    unfinished = [index for index, table in enumerate(tables) if not table[0, 8]]
    if unfinished:
        again = _tables(codes[unfinished], logits[unfinished], anchors, rules, SECOND).cpu().numpy()
        for index, table in zip(unfinished, again, strict=True):
            tables[index] = table
    return [
        _kept(table) if table[0, 8] else _by_numpy(codes[index], logits[index], anchors, rules)
        for index, table in enumerate(tables)
    ]


def _kept(table: NDArray[np.float32]) -> Kept:
    table = table[table[:, 7] > 0]
    return Kept(table[:, :4], table[:, 4], table[:, 5].astype(np.intp), table[:, 6].astype(np.intp))


def _by_numpy(codes: Tensor, logits: Tensor, anchors: Tensor, rules: Rules) -> Kept:
    heads = [tensor.float().cpu().numpy() for tensor in (codes, logits, anchors)]
    return postprocess(
        *heads, min_score=rules.min_score, score_threshold=rules.score_threshold,
        max_detections=rules.max_detections, nms=rules.nms,
    )  # fmt: skip


def _tables(codes: Tensor, logits: Tensor, anchors: Tensor, rules: Rules, look: Look) -> Tensor:
    pictures = max(1, PAIRS // look.candidates**2)
    with torch.inference_mode():
        parts = zip(codes.split(pictures), logits.split(pictures), strict=True)
        return torch.cat([_table(*part, anchors, rules, look) for part in parts])


def _table(codes: Tensor, logits: Tensor, anchors: Tensor, rules: Rules, look: Look) -> Tensor:
    scores, columns, rows, lower = _candidates(logits[..., 1:], look.candidates)
    wanted = (scores > rules.score_threshold) & (scores >= rules.min_score) & (scores > lower)
    # In the order of SEMANTICS §6.3, as one number: the bits of a positive float rise with it.
    place = columns * len(anchors) + rows
    key = ((2**31 - 1 - scores.view(torch.int32).long()) << 32) + place
    order = key.masked_fill(~wanted, _LAST).argsort(1)
    scores, columns, rows, wanted = (tensor.gather(1, order) for tensor in (scores, columns, rows, wanted))
    boxes = _decode(codes.float().gather(1, rows[..., None].expand(-1, -1, 4)), anchors[rows])

    together = (wanted[:, :, None] & wanted[:, None, :]).triu(1)
    if rules.nms == "per-class":
        together &= columns[:, :, None] == columns[:, None, :]
    alive, settled = _greedy(wanted, together & (_iou(boxes) > IOU_THRESHOLD), look.rounds)
    alive &= _count(alive, together) < MAX_PER_CLASS

    boxes_inside = boxes.clamp(0.0, 1.0)
    seen = alive & (_area(boxes_inside) > 0)
    exhausted = (lower <= rules.score_threshold) | (lower < rules.min_score)
    final = settled[:, None] & (exhausted | (seen.sum(1, keepdim=True) >= rules.max_detections))
    table = torch.cat([boxes_inside, torch.stack([scores, columns, rows, seen, final.expand_as(seen)], 2).float()], 2)
    first = (~seen).long().argsort(dim=1, stable=True)[:, : rules.max_detections]
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


def _decode(codes: Tensor, anchors: Tensor) -> Tensor:
    """As `boxes.decode`."""
    sizes = anchors[..., 2:] - anchors[..., :2]
    centre_scale, _, size_scale, _ = CODE_SCALES  # both axes have the same
    centres = codes[..., :2] / centre_scale * sizes + (anchors[..., :2] + sizes * 0.5)
    halves = torch.exp(codes[..., 2:] / size_scale) * sizes * 0.5
    return torch.cat([centres - halves, centres + halves], -1)


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

    Also, for each picture, whether the fixed point was reached: it is unique, as each hangs on better ones only.
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
