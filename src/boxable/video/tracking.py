"""Multi-object tracking: ByteTrack, from the library `trackers`, imported here when used."""

from math import ceil
from typing import Any

import numpy as np

from boxable.detection.detections import Detections
from boxable.errors import MissingExtraError

# These values are tuned to the scores and boxes of ssd23, by `benchmarks/tracking.py`.
# A detection of at least this score starts a track if it continues none; one of less has then no number.
START_SCORE = 0.3
# A lost object keeps its track for so long, but for at least so many looks at the video.
LOST_S, LOST_LOOKS = 1.0, 3

# How far apart, in GIoU, an object may be from where it is expected: below 0 it need not overlap that place, as small
# objects do not when a camera shakes.
LEAST_GIOU = -0.2
# The library's model of motion makes so many steps a second; with its own 30 fewer detections keep their number.
STEPS_PER_S = 6.0
# Less than between any two frames, which is a millionth of a second.
_AGAIN_S = 1e-7


def require_tracking() -> None:
    """Raise MissingExtraError without the library."""
    try:
        import trackers  # noqa: F401
    except ImportError:
        raise MissingExtraError("tracking", "boxable[track]") from None


class Tracker:
    """One ByteTrack tracker per class, so that a Person never becomes the Clothing it wears.

    `looks_per_second` is how often `update` is called for a second of video.
    """

    def __init__(self, looks_per_second: float) -> None:
        require_tracking()
        # The library counts in thirtieths of a second.
        self._buffer = ceil(30 * max(LOST_S, LOST_LOOKS / looks_per_second))
        self._by_class: dict[int, Any] = {}
        self._numbers: dict[tuple[int, int], int] = {}

    def update(self, found: Detections, time: float) -> list[int | None]:
        """Return the track number of each detection of a frame, from 1; None for a weak one that continues no track.

        `time` is in seconds and must grow from call to call, by a millionth at least.
        """
        tracks: list[int | None] = [None] * len(found)
        for label in {*self._by_class, *found.label_ids.tolist()}:
            rows = np.flatnonzero(found.label_ids == label)
            followed = self._follow(label, rows, found, time)
            # The library numbers a track when its object is seen for the second time. Shown at once again, alone, the
            # boxes that have started one overlap it wholly.
            started = [row for row in rows if followed.get(int(row), -1) < 0 and found.scores[row] >= START_SCORE]
            if started:
                followed |= self._follow(label, np.array(started), found, time + _AGAIN_S)
            for row, own in followed.items():
                if own >= 0:
                    tracks[row] = self._numbers.setdefault((label, own), len(self._numbers) + 1)
        return tracks

    def _follow(self, label: int, rows: Any, found: Detections, time: float) -> dict[int, int]:
        """Update the tracker of a class; return the number in it of each row, -1 for none."""
        import supervision
        from trackers import ByteTrackTracker, GIoU

        if label not in self._by_class:
            self._by_class[label] = ByteTrackTracker(
                lost_track_buffer=self._buffer, track_activation_threshold=START_SCORE,
                high_conf_det_threshold=START_SCORE, minimum_consecutive_frames=1,
                iou=GIoU(), minimum_iou_threshold=LEAST_GIOU, frame_rate=STEPS_PER_S,
            )  # fmt: skip
        scale = np.array([found.width, found.height] * 2, np.float32)
        tracked = self._by_class[label].update(
            supervision.Detections(
                xyxy=found.boxes[rows][:, [1, 0, 3, 2]] * scale, confidence=found.scores[rows], data={"row": rows}
            ),
            timestamp=time,
        )
        if not len(tracked):
            return {}
        return dict(zip(tracked.data["row"].tolist(), tracked.tracker_id.tolist(), strict=True))
