"""The queue keeps nothing of a job that is done."""

import gc
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import boxable
from boxable.images.sources import Source
from boxable.serving.queue import DetectionQueue, Job, QueueFullError

pytestmark = pytest.mark.serving
IMAGE = np.zeros((20, 30, 3), np.uint8)


class Detector:
    """One that detects nothing, and keeps nothing."""

    classes = None

    def runtime_for(self, *, alone: bool) -> Any:
        return SimpleNamespace(run=None)

    def detect_batch(self, sources: list[Source], rules: Any, runtime: Any) -> list[boxable.Detections]:
        return [boxable.Detections.empty(source.name).with_image(source) for source in sources]


@pytest.fixture
def queue() -> Iterator[DetectionQueue]:
    made = DetectionQueue(workers=2, size=4, max_batch=2)
    yield made
    made.close()


def job(source: Source) -> Job:
    return Job(Detector(), source, None)  # type: ignore[arg-type]


def test_idle_workers_keep_nothing(queue: DetectionQueue) -> None:
    class Kept(Detector):
        pass

    detector = Kept()
    done = Job(detector, Source.from_array(IMAGE), None)  # type: ignore[arg-type]
    queue.submit([done])
    done.result.result(10)
    gone = weakref.ref(detector)
    del detector, done
    for _ in range(100):
        gc.collect()
        if gone() is None:
            return
    raise AssertionError("a worker keeps the detector of its last job")


def test_a_result_has_the_source_and_not_its_pixels(queue: DetectionQueue) -> None:
    source = Source.from_array(IMAGE, "one")
    waiting = job(source)
    queue.submit([waiting])
    found, _ = waiting.result.result(10)
    assert found._image is source


def test_all_images_of_a_request_are_queued_or_none(queue: DetectionQueue) -> None:
    with pytest.raises(QueueFullError):
        queue.submit([job(Source.from_array(IMAGE)) for _ in range(5)])
    assert queue.waiting == 0
