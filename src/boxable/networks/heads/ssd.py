"""The head of single-shot detectors: every anchor is decoded once, then NMS per class (SEMANTICS §5 and §6)."""

from dataclasses import dataclass

import numpy as np

from boxable.arrays import Floats
from boxable.networks.heads import Runner
from boxable.networks.heads.nms import postprocess
from boxable.networks.heads.rules import SCORE_THRESHOLD, NmsResult, PostprocessRules


@dataclass(frozen=True, eq=False)
class SsdHead:
    """Detections from one graph with outputs `box_encodings` and `class_logits`.

    `anchors` float32 `[A, 4]`, normalized.
    """

    graph: str
    anchors: Floats
    score_threshold: float = SCORE_THRESHOLD

    def detect(self, run: Runner, images: Floats, rules: PostprocessRules) -> list[NmsResult]:
        """Detect in a batch of images `[B, H, W, 3]`; torch does it where the runtime leaves its outputs on a GPU."""
        outputs = run(self.graph, {"images": images})
        codes, logits = outputs["box_encodings"], outputs["class_logits"]
        if isinstance(codes, np.ndarray):
            return [postprocess(*each, self.anchors, rules) for each in zip(codes, logits, strict=True)]
        from boxable.networks.heads.nms_torch import postprocess_batch

        return postprocess_batch(codes, logits, self.anchors, rules)
