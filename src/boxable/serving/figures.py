"""What an operator sees: Prometheus metrics, added up over the worker processes."""

import os
from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from boxable.serving.queue import Timings

# The folder in which the processes of a service share their figures; prometheus_client reads the variable.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
# Seconds: from post-processing of a small image to a queue that is long.
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Figures:
    """The metrics of a process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Counter(
            "boxable_requests", "Answers by route and status.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "boxable_request_seconds", "From the request line to the end of the answer.", ["route"],
            buckets=_BUCKETS, registry=registry,
        )  # fmt: skip
        self._rejections = Counter(
            "boxable_rejections", "Requests that were refused, by reason.", ["reason"], registry=registry
        )
        self._inferences = Counter("boxable_inferences", "Images detected in.", ["model"], registry=registry)
        self._executions = Counter("boxable_executions", "Batches that were run.", ["model"], registry=registry)
        self._stages = Histogram(
            "boxable_stage_seconds", "Of an image: queue, decode, network, postprocess.", ["stage"],
            buckets=_BUCKETS, registry=registry,
        )  # fmt: skip
        self._waiting = Gauge(
            "boxable_queue_depth", "Images that wait.", registry=registry, multiprocess_mode="livesum"
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a request that was refused."""
        self._rejections.labels(reason).inc()

    def detected(self, model: str, timings: Sequence[Timings]) -> None:
        """Count images of a request that were detected in."""
        for item in timings:
            self._stages.labels("queue").observe(item.queue)
            self._stages.labels("decode").observe(item.decode)
            if item.batch:
                self._stages.labels("network").observe(item.network)
                self._stages.labels("postprocess").observe(item.postprocess)
                self._inferences.labels(model).inc()
                self._executions.labels(model).inc(1 / item.batch)

    def counts(self, model: str) -> tuple[int, int]:
        """Return how many images and batches of a model all processes have run."""
        registry, labels = self._all_processes(), {"model": model}
        images = registry.get_sample_value("boxable_inferences_total", labels) or 0.0
        batches = registry.get_sample_value("boxable_executions_total", labels) or 0.0
        return round(images), round(batches)

    def waiting(self, images: int) -> None:
        """Note how many images wait."""
        self._waiting.set(images)

    def text(self) -> bytes:
        """Write all metrics in the format of Prometheus, of all processes."""
        return bytes(generate_latest(self._all_processes()))

    def _all_processes(self) -> CollectorRegistry:
        """Return the metrics of all processes where they share them, else of this one."""
        if not os.environ.get(SHARED):
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return registry
