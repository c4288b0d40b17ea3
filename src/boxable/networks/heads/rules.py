"""What post-processing is asked for, and what it gives."""

from dataclasses import dataclass
from typing import Literal

from boxable.arrays import Floats, Integers

NmsMode = Literal["per-class", "class-agnostic", "hierarchy"]

IOU_THRESHOLD = 0.6
MAX_PER_CLASS = 100
MAX_TOTAL = 100
SCORE_THRESHOLD = 1e-8
UNIT_WINDOW = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class PostprocessRules:
    """The rules of post-processing; the defaults are the original's (SEMANTICS §6.1).

    `columns` restricts the classes (0-based, background not counted) as if the network had no others. Scores must
    reach `min_score` and exceed `score_threshold`. A box is suppressed by a better one whose IoU with it exceeds
    `iou_threshold`: one of its class, or of any with `nms="class-agnostic"`. With `nms="hierarchy"` the best
    `max_total` are found per class first, so that fewer may remain when ancestors are dropped. Boxes without area in
    `clip_window` (ymin, xmin, ymax, xmax; None: not clipped) are dropped.
    """

    columns: Integers | None = None
    min_score: float = 0.0
    score_threshold: float = SCORE_THRESHOLD
    iou_threshold: float = IOU_THRESHOLD
    max_per_class: int = MAX_PER_CLASS
    max_detections: int = MAX_TOTAL
    clip_window: tuple[float, float, float, float] | None = UNIT_WINDOW
    nms: NmsMode = "per-class"

    @property
    def max_total(self) -> int:
        """How many detections NMS returns; `max_detections`, or more where ancestors are dropped afterwards."""
        return max(self.max_detections, MAX_TOTAL) if self.nms == "hierarchy" else self.max_detections


@dataclass(frozen=True, slots=True)
class NmsResult:
    """The boxes that NMS keeps, best first, arrays of one length N.

    `boxes` float32 `[N, 4]`, clipped; `scores` float32 `[N]`; `columns` (classes without the background) and `anchors`
    (rows of the predictions), both integer `[N]`.
    """

    boxes: Floats
    scores: Floats
    columns: Integers
    anchors: Integers
