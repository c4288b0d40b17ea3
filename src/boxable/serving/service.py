"""What all protocols share: models, the queue, deadlines, and figures."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from numpy.typing import NDArray
from starlette.requests import Request

from boxable.detection.contract import to_contract
from boxable.detection.detections import Detections
from boxable.images.decode import Limits
from boxable.images.sources import Source
from boxable.networks.heads.rules import MAX_TOTAL, PostprocessRules
from boxable.serving.bodies import Budget
from boxable.serving.figures import Figures
from boxable.serving.models import Models, ServedModel
from boxable.serving.options import MEBIBYTE, ServeOptions
from boxable.serving.problems import BEGAN, STAGES, RequestError, busy
from boxable.serving.queue import DetectionQueue, Job, QueueFullError, Timings

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Found:
    """What was detected in an image, and how long it took."""

    detections: Detections
    timings: Timings


class Service:
    """The detectors and their queue. Made when a server process starts, closed when it ends."""

    def __init__(self, options: ServeOptions) -> None:
        self.options = options
        self.models = Models(options)
        self.limits = Limits(options.max_image_mb * MEBIBYTE, options.max_pixels)
        self.queue = DetectionQueue(workers=options.threads, size=options.queue, max_batch=options.max_batch)
        self.figures = Figures()
        self._others = ThreadPoolExecutor(options.threads, "other")
        self.budget = Budget(options.max_bodies_mb * MEBIBYTE)

    def close(self) -> None:
        """Finish what waits."""
        self.queue.close()
        self._others.shutdown(cancel_futures=True)

    def source(self, data: bytes, name: str = "image") -> Source:
        """Make the source of an encoded image, with the limits of the service."""
        return Source.from_bytes(data, name, self.limits)

    async def detect(
        self, request: Request, model: ServedModel, sources: Sequence[Source], rules: PostprocessRules
    ) -> list[Found]:
        """Detect in the images of a request, whose body was read.

        Raises RequestError where the queue is full or the deadline of the request passes. A client that goes away
        takes its images out of the queue.
        """
        if len(sources) > self.queue.size:
            raise RequestError(
                413, f"expected {self.queue.size} images at most, got {len(sources)}", reason="too_large"
            )
        jobs = [Job(model.detector, source, rules) for source in sources]
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[None] = loop.create_future()
        deadline = loop.call_later(self.left(request), lambda: _end(outcome, self.late(request)))
        watch = loop.create_task(_watch(request, outcome))
        _when_done(jobs, loop, lambda: _end(outcome))
        try:
            self._submit(jobs)
            await outcome
        finally:
            deadline.cancel()
            watch.cancel()
            self.queue.discard(jobs)
            self.figures.waiting(self.queue.waiting)
        found = [Found(*job.result.result()) for job in jobs]
        self.figures.detected(model.name, [item.timings for item in found])
        request.scope["state"][STAGES] = _server_timing(found)
        return found

    async def in_time(self, request: Request, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call a function in a thread, as many at once as there are cores, until the deadline. Raises RequestError."""
        try:
            async with asyncio.timeout(self.left(request)):
                return await asyncio.get_running_loop().run_in_executor(self._others, function, *arguments)
        except TimeoutError:
            raise self.late(request) from None

    def late(self, request: Request) -> RequestError:
        """Make the error of a request whose deadline passes."""
        return busy(f"not done within {self.timeout_of(request):g} seconds", "deadline")

    def _submit(self, jobs: list[Job]) -> None:
        """Queue the images of a request. Raises RequestError."""
        try:
            self.queue.submit(jobs)
        except QueueFullError:
            raise busy("the queue is full", "queue_full") from None
        self.figures.waiting(self.queue.waiting)

    async def contract(self, request: Request, model: ServedModel, source: Source) -> dict[str, NDArray[Any]]:
        """Detect in an image as the original module does, and return its outputs. Raises RequestError."""
        (found,) = await self.detect(request, model, [source], model.rules(None, 0.0, MAX_TOTAL, "per-class"))
        if found.detections.error is not None:
            raise RequestError(400, found.detections.error, reason="bad_image")
        return to_contract(found.detections, self.options.class_fields)

    def left(self, request: Request) -> float:
        """Return the seconds until the deadline of a request, 0 if it has passed. Raises RequestError."""
        began: float = request.scope["state"][BEGAN]
        return max(0.0, began + self.timeout_of(request) - time.monotonic())

    def timeout_of(self, request: Request) -> float:
        """Read the deadline of a request, `Request-Timeout` in seconds, at most the server's. Raises RequestError."""
        given = request.headers.get("request-timeout")
        if given is None:
            return self.options.timeout_s
        try:
            seconds = float(given)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds < float("inf"):
            raise RequestError(
                400, f"Request-Timeout: expected a number of seconds above 0, got {given[:40]!r}", reason="bad_input"
            )
        return min(seconds, self.options.timeout_s)


def _server_timing(found: Sequence[Found]) -> str:
    """Write the longest time of each stage, in milliseconds (Server-Timing, W3C)."""
    stages = ("queue", "decode", "network", "postprocess")
    return ", ".join(f"{name};dur={max(getattr(item.timings, name) for item in found) * 1e3:.1f}" for name in stages)


def _when_done(jobs: Sequence[Job], loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Call a function in the loop once all jobs are done."""
    left = len(jobs)

    def finished() -> None:
        nonlocal left
        left -= 1
        if not left:
            function()

    for job in jobs:
        job.result.add_done_callback(lambda _: _call(loop, finished))


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    """Call a function in the loop, from a worker thread."""
    with suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(function)


def _end(outcome: "asyncio.Future[None]", error: RequestError | None = None) -> None:
    """Decide the outcome of a request, if nothing else has: its results are there, or it failed."""
    if outcome.done():
        return
    if error is None:
        outcome.set_result(None)
    else:
        outcome.set_exception(error)


async def _watch(request: Request, outcome: "asyncio.Future[None]") -> None:
    """Wait until the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    _end(outcome, RequestError(400, "the client closed the connection", reason="disconnected"))
