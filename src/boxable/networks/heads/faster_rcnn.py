"""The head of Faster R-CNN: proposals, their crops, then a box and a score of every class for each (SEMANTICS §11)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from boxable.arrays import Floats, Integers
from boxable.boxes import decode
from boxable.networks.anchors import grid_anchors
from boxable.networks.heads import Runner
from boxable.networks.heads.crop_and_resize import crop_and_resize
from boxable.networks.heads.nms import multiclass_nms
from boxable.networks.heads.rules import NmsResult, PostprocessRules

PROPOSAL_IOU = 0.7


@dataclass(frozen=True)
class FasterRcnnHead:
    """Detections from two graphs: `first` makes features and RPN predictions of an image, `second` classifies crops.

    `maps`: the outputs of the first graph whose crops are the inputs of the second one, features first.
    `proposals`: how many are classified at most. `crop_size`: cells of a side of a crop; `crops`: how many are
    classified together.
    """

    first: str
    second: str
    maps: tuple[str, ...]
    crop_size: int
    crops: int
    proposals: int = 300
    score_threshold: float = 0.0

    def detect(self, run: Runner, images: Floats, rules: PostprocessRules) -> list[NmsResult]:
        """Detect in a batch of images `[B, H, W, 3]`, one after the other, which bounds memory."""
        return [self._detect(run, image, rules) for image in images]

    def _detect(self, run: Runner, image: Floats, rules: PostprocessRules) -> NmsResult:
        # Copies: a runtime may lend its outputs until the next run.
        first = {name: np.array(values)[0] for name, values in run(self.first, {"images": image[None]}).items()}
        size = image.shape[:2]
        anchors = grid_anchors(size, first[self.maps[0]].shape[:2])
        boxes = proposals(first["box_encodings"], first["objectness"], anchors, size, self.proposals)
        logits, codes = self.classify(run, {name: first[name] for name in self.maps}, boxes)
        return detections(boxes, codes, logits, size, rules)

    def classify(self, run: Runner, maps: Mapping[str, Floats], boxes: Floats) -> tuple[Floats, Floats]:
        """Classify the crops of boxes `[N, 4]`, some at a time: logits `[N, C + 1]` and box codes `[N, C, 4]`."""
        logits, codes = [], []
        sides = (self.crops, self.crop_size, self.crop_size)
        buffers = {name: np.empty((*sides, values.shape[2]), np.float32) for name, values in maps.items()}
        for start in range(0, len(boxes), self.crops):
            part = boxes[start : start + self.crops]
            crops = {name: crop_and_resize(values, part, buffers[name][: len(part)]) for name, values in maps.items()}
            outputs = run(self.second, crops)
            logits.append(np.array(outputs["class_logits"]))
            codes.append(np.array(outputs["box_encodings"]).reshape(len(part), -1, 4))
        return np.concatenate(logits), np.concatenate(codes)


def proposals(codes: Floats, objectness: Floats, anchors: Floats, size: tuple[int, int], most: int) -> Floats:
    """Find the boxes that may hold an object, best first: float32 `[N, 4]`, in 0..1.

    `codes` `[A, 4]`; `objectness` `[A, 2]`, logits of background and object; `anchors` `[A, 4]` in pixels of the image,
    whose `size` is its height and width. Boxes without area in it are dropped after NMS and not replaced.
    """

    def boxes_of(rows: Integers, columns: Integers) -> Floats:
        return decode(codes.take(rows, axis=0), anchors.take(rows, axis=0))

    rules = PostprocessRules(
        score_threshold=0.0, iou_threshold=PROPOSAL_IOU, max_per_class=most, max_detections=most,
        clip_window=(0.0, 0.0, *size),
    )  # fmt: skip
    found = multiclass_nms(boxes_of, softmax(objectness)[:, 1:], rules)
    return found.boxes * _reciprocal(size)


def detections(
    boxes: Floats, codes: Floats, logits: Floats, size: tuple[int, int], rules: PostprocessRules
) -> NmsResult:
    """Decode the boxes that each class has on its proposal, and suppress them per class.

    Proposals `[N, 4]` in 0..1; box codes `[N, C, 4]`; logits `[N, C + 1]`, background first. NMS is in pixels of the
    resized image, before boxes are clipped to `rules.clip_window`, which is in 0..1 as the result.
    """
    placed = boxes * np.array(size * 2, np.float32)
    chosen = np.arange(codes.shape[1]) if rules.columns is None else rules.columns

    def boxes_of(rows: Integers, columns: Integers) -> Floats:
        return decode(codes[rows, chosen[columns]], placed.take(rows, axis=0))

    window = rules.clip_window
    if window is not None:
        (ymin, xmin, ymax, xmax), (height, width) = window, size
        window = ymin * height, xmin * width, ymax * height, xmax * width
    scores = softmax(logits)[:, 1 + chosen]
    found = multiclass_nms(boxes_of, scores, replace(rules, clip_window=window))
    return NmsResult(found.boxes * _reciprocal(size), found.scores, chosen[found.columns], found.anchors)


def softmax(logits: Floats) -> Floats:
    """Turn float32 logits `[N, C]` into float32 scores that sum to 1."""
    powers: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def _reciprocal(size: tuple[int, int]) -> Floats:
    """Return what pixels are multiplied by to be in 0..1: the original does not divide."""
    return np.float32(1) / np.array(size * 2, np.float32)
