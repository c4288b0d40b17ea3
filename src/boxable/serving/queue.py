"""The queue between requests and detectors: bounded, with one worker thread for each core.

An idle service gives an image all cores. While others wait, each worker takes images of its own on one core, which
takes a third less time in all (docs/speed.md).
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from boxable.detection.detections import Detections
from boxable.detection.detector import Detector
from boxable.errors import ImageError
from boxable.images.sources import Source
from boxable.networks.heads.rules import PostprocessRules
from boxable.runtimes import Runtime

# The priority of workers: while all cores compute, the loop that answers is woken at once.
_NICE = 15


class QueueFullError(Exception):
    """The queue is full."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds per stage, and the batch size; `network` and `postprocess` are those of the whole batch."""

    queue: float
    decode: float
    network: float = 0.0
    postprocess: float = 0.0
    batch: int = 0


class _Timed:
    """A runtime that adds up the seconds of its runs."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self.seconds = runtime, 0.0

    def run(self, graph: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        began = time.perf_counter()
        outputs = self._runtime.run(graph, inputs)
        self.seconds += time.perf_counter() - began
        return outputs


@dataclass(slots=True, eq=False)
class Job:
    """An image that waits. The result is Detections, also of an image that cannot be read (`error`), and Timings."""

    detector: Detector
    source: Source
    rules: PostprocessRules
    result: "Future[tuple[Detections, Timings]]" = field(default_factory=Future)
    since: float = field(default_factory=time.perf_counter)


class DetectionQueue:
    """Runs jobs in the order they came, at most `size` waiting. `close` ends the workers after the last job.

    `max_batch`: consecutive jobs with the same detector and rules that run together, if they wait already.
    """

    def __init__(self, *, workers: int, size: int, max_batch: int) -> None:
        self._size, self._max_batch, self._workers = size, max_batch, workers
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._busy, self._closing = 0, False
        self._threads = [threading.Thread(target=self._work, name=f"detect-{n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Jobs that may wait."""
        return self._size

    def submit(self, jobs: list[Job]) -> None:
        """Queue all jobs, or none. Raises QueueFullError."""
        with self._changed:
            if self._closing or len(self._waiting) + len(jobs) > self._size:
                raise QueueFullError
            self._waiting.extend(jobs)
            self._changed.notify(len(jobs))

    def discard(self, jobs: list[Job]) -> None:
        """Cancel jobs that wait; those that run finish."""
        cancelled = [job for job in jobs if job.result.cancel()]
        if cancelled:
            with self._changed:
                self._waiting = deque(job for job in self._waiting if not job.result.cancelled())

    def close(self) -> None:
        """Finish what waits, and end the workers."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        if sys.platform == "linux":  # where a thread has a priority of its own: answering goes before computing
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        """Run the next batch, and keep nothing of it; tell whether there was one, not so once closed."""
        batch = self._next()
        if batch is None:
            return False
        try:
            _run_or_fail(*batch)
        finally:
            with self._changed:
                self._busy -= 1
        return True

    def _next(self) -> tuple[list[Job], bool] | None:
        """Wait for the next batch, None once closed; and tell whether no other job is queued or running."""
        with self._changed:
            while True:
                while not self._waiting:
                    if self._closing:
                        return None
                    self._changed.wait()
                jobs = [job for job in self._take() if job.result.set_running_or_notify_cancel()]
                if jobs:
                    alone = not self._busy and not self._waiting and len(jobs) == 1
                    self._busy += 1
                    return jobs, alone

    def _take(self) -> list[Job]:
        jobs = [self._waiting.popleft()]
        # Where workers are idle, they take what waits.
        share = -(-(len(self._waiting) + 1) // max(1, self._workers - self._busy))
        while self._waiting and len(jobs) < min(share, self._max_batch) and _alike(jobs[0], self._waiting[0]):
            jobs.append(self._waiting.popleft())
        return jobs


def _alike(first: Job, second: Job) -> bool:
    """Tell whether two jobs may run together."""
    return first.detector is second.detector and first.rules is second.rules


def _run_or_fail(jobs: list[Job], alone: bool) -> None:
    """Run a batch; if it fails, run its jobs one by one, so that only those fail that must."""
    try:
        _run(jobs, alone)
    except BaseException as error:  # whoever asked is told; the worker goes on
        left = [job for job in jobs if not job.result.done()]
        if len(jobs) > 1:
            for job in left:
                _run_or_fail([job], alone)
        elif left:
            jobs[0].result.set_exception(error)


def _run(jobs: list[Job], alone: bool) -> None:
    began = time.perf_counter()
    ready: list[tuple[Job, Source, float]] = []
    for job in jobs:
        decoding = time.perf_counter()
        try:
            pixels = job.source.pixels()
        except ImageError as error:
            found = Detections.empty(job.source.name, job.detector.classes, error=error)
            job.result.set_result((found, Timings(began - job.since, time.perf_counter() - decoding)))
            continue
        decoded = Source.from_array(pixels, job.source.name) if pixels.dtype == np.uint8 else job.source
        ready.append((job, decoded, time.perf_counter() - decoding))
    if not ready:
        return
    detector, detecting = jobs[0].detector, time.perf_counter()
    runtime = _Timed(detector.runtime_for(alone=alone))
    results = detector.detect_batch([source for _, source, _ in ready], jobs[0].rules, runtime)
    rest = time.perf_counter() - detecting - runtime.seconds
    for (job, _, decode), found in zip(ready, results, strict=True):
        # It holds the encoded image again: the pixels of all images of a form would be far larger.
        found = found.with_image(job.source)
        job.result.set_result((found, Timings(began - job.since, decode, runtime.seconds, rest, len(ready))))
