"""Multi-object tracking: ByteTrack, from the library `trackers`, imported here when used."""

from math import ceil
from typing import Any

import numpy as np

from boxable.detection.detections import Detections
from boxable.errors import MissingExtraError

# A detection of at least this score can start a track, any other only go on with one.
START_SCORE = 0.4
# A lost object keeps its track for so long, but for at least so many looks at the video.
LOST_S, LOST_LOOKS = 1.0, 3


class Tracker:
    """One ByteTrack tracker per class, so that a Person never becomes the Clothing it wears.

    `looks_per_second` is how often `update` is called for a second of video.
    """

    def __init__(self, looks_per_second: float) -> None:
        try:
            import trackers  # noqa: F401
        except ImportError:
            raise MissingExtraError("tracking", "boxable[track]") from None
        # The library counts in thirtieths of a second.
        self._buffer = ceil(30 * max(LOST_S, LOST_LOOKS / looks_per_second))
        self._by_class: dict[int, Any] = {}
        self._numbers: dict[tuple[int, int], int] = {}

    def update(self, found: Detections, time: float) -> list[int | None]:
        """Return the track number of each detection of a frame, from 1; None before an object is detected twice.

        `time` is in seconds and must grow from call to call.
        """
        tracks: list[int | None] = [None] * len(found)
        for label in {*self._by_class, *found.label_ids.tolist()}:
            rows = np.flatnonzero(found.label_ids == label)
            for row, own in self._follow(label, rows, found, time):
                if own >= 0:
                    tracks[row] = self._numbers.setdefault((label, own), len(self._numbers) + 1)
        return tracks

    def _follow(self, label: int, rows: Any, found: Detections, time: float) -> list[tuple[int, int]]:
        """Update one tracker: pairs of a row and the number in the tracker of its class, -1 for none."""
        import supervision
        from trackers import ByteTrackTracker

        if label not in self._by_class:
            self._by_class[label] = ByteTrackTracker(
                lost_track_buffer=self._buffer, track_activation_threshold=START_SCORE,
                high_conf_det_threshold=START_SCORE,
            )  # fmt: skip
        scale = np.array([found.width, found.height] * 2, np.float32)
        tracked = self._by_class[label].update(
            supervision.Detections(
                xyxy=found.boxes[rows][:, [1, 0, 3, 2]] * scale, confidence=found.scores[rows], data={"row": rows}
            ),
            timestamp=time,
        )
        if not len(tracked):
            return []
        return list(zip(tracked.data["row"].tolist(), tracked.tracker_id.tolist(), strict=True))
