"""A program of a user, type-checked by tests/test_public.py from outside the package; it is never run.

`assert_type` states the type of an expression. A `type: ignore` with a code states an error: an unused one fails.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import boxable
from boxable import Detections, FrameDetections

detector = boxable.load("ssd23")
assert_type(detector, boxable.Detector)

# One image.
array = np.zeros((300, 300, 3), np.uint8)
assert_type(detector("image.jpg"), Detections)
assert_type(detector(Path("image.jpg"), classes="Cat", min_score=0.3, max_detections=5), Detections)
assert_type(detector(b"JPEG"), Detections)
assert_type(detector(Image.new("RGB", (9, 9))), Detections)
assert_type(detector(array, as_dict=False), Detections)


def detect(image: boxable.ImageLike) -> Detections:
    return detector(image)


# Many images.
paths: list[str] = ["a.jpg"]
assert_type(detector(paths), list[Detections])
assert_type(detector.stream(paths), Iterator[Detections])
assert_type(detector(["a.jpg", "b.jpg"]), list[Detections])
assert_type(detector((array, array)), list[Detections])
assert_type(detector.stream("folder/", min_score=0.3), Iterator[Detections])
assert_type(detector.stream(["a.jpg", array]), Iterator[Detections])

# The contract of the TF-Hub module.
assert_type(detector(array[None], as_dict=True), dict[str, NDArray[Any]])
assert_type(detector(array[None], as_dict=True, class_fields="served"), dict[str, NDArray[Any]])

# Results.
found = detector(array)
for item in found:
    assert_type(item, boxable.Detection)
    assert_type(item.box, tuple[float, float, float, float])
assert_type(found[0], boxable.Detection)
assert_type(found[:2], Detections)
assert_type(found.boxes, NDArray[np.float32])
assert_type(found.xyxy, NDArray[np.float32])
assert_type(found.filter(classes="Cat"), Detections)
assert_type(found.draw(line_width=3, text_size=20, labels=False, enlarge=True), Image.Image)
found.save(Path("found.png"), array, labels=False)
for frame in boxable.detect_video(detector, "video.mp4"):
    assert_type(frame, FrameDetections)
    assert_type(frame.detections, Detections)
evaluation = boxable.evaluate("data/", detector)
assert_type(evaluation, boxable.Evaluation)
assert_type(evaluation.mean_ap, float)
assert_type(evaluation.scored, list[boxable.ClassResult])
comparison = boxable.compare("before", "after", resamples=100, seed=1)
assert_type(comparison, boxable.Comparison)
assert_type(comparison.mean, boxable.Difference)
dataset = boxable.openimages.Dataset("data/")
assert_type(dataset, boxable.Dataset)
assert_type(dataset.targets(0), boxable.Targets)
assert_type(next(dataset.shards(8, seed=1)[0]), tuple[NDArray[np.uint8], boxable.Targets])
assert_type(detector.classes, boxable.ClassList)
assert_type(detector.classes[0], boxable.ObjectClass)

assert_type(Detections.empty("image.jpg"), Detections)
assert_type(found.error, str | None)

# Errors.
detector(42)  # type: ignore[call-overload]
detector([42])  # type: ignore[type-var]
detector(array, min_score="high")  # type: ignore[call-overload]
found.save("found.png", colour="red")  # type: ignore[call-arg]
detector(array, as_dict="yes")  # type: ignore[call-overload]
detector(array, nms="soft")  # type: ignore[call-overload]
detector.stream("folder/", as_dict=True)  # type: ignore[call-arg]
boxable.load("ssd23", runtime="tensorflow")  # type: ignore[arg-type]
try:
    boxable.load("nobody/nothing/1")
except boxable.UnknownModelError as error:
    assert_type(error, boxable.UnknownModelError)
