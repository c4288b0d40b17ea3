"""How a service runs: where it listens, what it serves, and what bounds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boxable.detection.contract import ClassFields
from boxable.settings import available_cores

# What may wait for a worker, by default: a few seconds of work on two cores.
QUEUE = 64
MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of `boxable serve`; can be pickled, for worker processes.

    `models`: names, the first is the default. `running`: arguments of `load`. `timeout_s`: how long a request may take
    that sets no `Request-Timeout`. `grace_s`: how long requests may still take after SIGTERM. `max_image_mb` bounds the
    body of encoded images, `max_pixels` a decoded image, `max_tensor_pixels` an image of numbers, and `max_bodies_mb`
    all bodies together, parsed. `key_hashes`: SHA-256 of the keys that are accepted, hexadecimal; without them no key
    is needed. `origins`: other sites whose pages may call (CORS). `allow_urls`: clients may name an image by its
    address.
    """

    models: tuple[str, ...]
    running: Mapping[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    queue: int = QUEUE
    max_batch: int = 1
    timeout_s: float = 30.0
    grace_s: float = 30.0
    max_image_mb: int = 20
    max_pixels: int = 50_000_000
    max_tensor_pixels: int = 2_100_000
    max_bodies_mb: int = 1024
    key_hashes: frozenset[str] = frozenset()
    origins: tuple[str, ...] = ()
    class_fields: ClassFields = "served"
    allow_urls: bool = False

    @property
    def threads(self) -> int:
        """Threads of each worker process, by default its share of the cores."""
        return self.running.get("threads") or max(1, available_cores() // self.workers)
