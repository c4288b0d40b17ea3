"""The record of one image: what every writer takes."""

from typing import NotRequired, TypedDict


class DetectionRecord(TypedDict):
    """One detection; `box` is [ymin, xmin, ymax, xmax], 0..1 in the upright image.

    `ancestors` are the names of the classes of which this one is a kind, where they were asked for.
    `track` is the number of its object in a video, None for a weak one that continues no object; absent without
    tracking.
    """

    label_id: int
    mid: str
    name: str
    score: float
    box: list[float]
    ancestors: NotRequired[list[str]]
    track: NotRequired[int | None]


class ImageRecord(TypedDict):
    """One image; width and height in pixels, upright (0 where it could not be read, and `error` says why).

    `image_id` is what predictions and file names call it (`images/image_ids.py`).
    `truncated` is there, and true, for a damaged image that was decoded as far as possible.
    """

    source: str
    image_id: str
    width: int
    height: int
    detections: list[DetectionRecord]
    error: NotRequired[str]
    truncated: NotRequired[bool]


class FrameRecord(TypedDict):
    """One frame of a video: its number from 0, its time in seconds after the first, and as in ImageRecord."""

    source: str
    frame: int
    time: float
    width: int
    height: int
    detections: list[DetectionRecord]
