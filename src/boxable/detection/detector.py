"""The Detector: a model opened on a runtime."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, replace
from functools import cached_property, partial
from itertools import chain, islice
from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from boxable.detection import DEFAULT_MIN_SCORE
from boxable.detection.contract import ClassFields, check_class_fields, check_input, to_contract
from boxable.detection.detections import Detections
from boxable.detection.image_batches import ImageBatches
from boxable.detection.options import Decode, check_count, check_decode, check_truncated, head_for, rules_for
from boxable.detection.tiles import Tiles
from boxable.errors import WeightsError
from boxable.findings import counted
from boxable.images.decode import Truncated
from boxable.images.sources import ImageLike, Source, expand, is_image, source_of
from boxable.networks.heads.rules import MAX_TOTAL, NmsMode, PostprocessRules
from boxable.networks.network import Network
from boxable.parallel import in_order
from boxable.runtimes import Concurrency, PerProcess, Runtime, RuntimeName, open_runtime
from boxable.settings import available_cores
from boxable.vocabulary import ClassList
from boxable.vocabulary.selection import Selection
from boxable.weights.compiled import Compiled, Precision

ImageT = TypeVar("ImageT", bound=ImageLike)

# Measured, with one thread for each batch: more takes more memory and is no faster, one is up to 6 % slower.
DEFAULT_BATCH_SIZE = 2
# From so many images on it pays to open the network once more, to run each batch on one thread.
MANY = 8


class Detector:
    """A model that detects objects in images. Made by `boxable.load`; may be used from many threads at once.

    A Detector may be pickled, and used in a forked process: it opens its model again there.

    `detector(image)` returns Detections, `detector([...])` a list of them, `detector.stream(sources)` an iterator, and
    `detector(array, as_dict=True)` the dictionary of the original TF-Hub module.
    """

    def __init__(
        self,
        compiled: Compiled,
        *,
        threads: int | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE,
        decode: Decode = "exact",
        runtime: RuntimeName = "onnxruntime",
        precision: Precision = "fp32",
        proposals: int | None = None,
        tiles: Tiles | None = None,
    ) -> None:
        check_decode(decode)
        check_count("batch_size", batch_size)
        if threads is not None:
            check_count("threads", threads)
        self._compiled, self._runtime_name, self._precision, self._decode = compiled, runtime, precision, decode
        self._proposals, self._tiles = proposals, tiles
        self._threads, self._batch_size = threads or available_cores(), batch_size
        self._images = ImageBatches(
            compiled.description, compiled.classes, head_for(compiled.description, proposals), tiles,
            self.network.preprocess.shortest_side if decode == "fast" else None, batch_size,
        )  # fmt: skip
        self._runtime = PerProcess(partial(self._open, Concurrency(self._threads)))
        self._stream_runtime = PerProcess(self._open_for_streams)
        self._runtime.here()

    @property
    def handle(self) -> str:
        """Handle of the model."""
        return self._compiled.description.handle

    @property
    def classes(self) -> ClassList:
        """The classes that the model can detect."""
        return self._compiled.classes

    @property
    def network(self) -> Network:
        """Its architecture."""
        return self._compiled.description.network

    @property
    def runtime(self) -> RuntimeName:
        """Name of the runtime that runs it."""
        return self._runtime_name

    @property
    def precision(self) -> Precision:
        """The precision that it computes in."""
        return self._precision

    @cached_property
    def fingerprint(self) -> str:
        """Tells models, and ways to run them, with other results apart, whatever their names."""
        proposals = "" if self._proposals is None else f"{self._proposals}-proposals"
        tiles = "" if self._tiles is None else "-".join(map(str, ("tiles", *astuple(self._tiles))))
        settings = (self._runtime_name, self._precision, self._decode, proposals, tiles)
        unusual = [setting for setting in settings if setting not in ("onnxruntime", "fp32", "exact", "")]
        return "-".join([self._compiled.fingerprint(self._precision), *unusual])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle how it was opened; it is opened again, where the same model must be."""
        options = {
            "threads": self._threads, "batch_size": self._batch_size, "decode": self._decode,
            "runtime": self._runtime_name, "precision": self._precision, "proposals": self._proposals,
            "tiles": self._tiles,
        }  # fmt: skip
        return _reopen, (self._compiled.reopen, self._compiled.identity(self._precision), options)

    def __repr__(self) -> str:
        return f"<Detector {self.handle}, {counted(len(self.classes), 'class|es')}>"

    @overload
    def __call__(
        self,
        image: ImageLike,
        *,
        as_dict: Literal[True],
        class_fields: ClassFields = ...,
        classes: Selection | None = ...,
        min_score: float = 0.0,
        max_detections: int = ...,
        nms: NmsMode = ...,
        truncated: Truncated = ...,
    ) -> dict[str, NDArray[Any]]: ...
    @overload
    def __call__(
        self,
        image: list[ImageT] | tuple[ImageT, ...],
        *,
        as_dict: Literal[False] = ...,
        classes: Selection | None = ...,
        min_score: float = DEFAULT_MIN_SCORE,
        max_detections: int = ...,
        nms: NmsMode = ...,
        truncated: Truncated = ...,
    ) -> list[Detections]: ...
    @overload
    def __call__(
        self,
        image: ImageLike,
        *,
        as_dict: Literal[False] = ...,
        classes: Selection | None = ...,
        min_score: float = DEFAULT_MIN_SCORE,
        max_detections: int = ...,
        nms: NmsMode = ...,
        truncated: Truncated = ...,
    ) -> Detections: ...
    def __call__(
        self,
        image: Any,
        *,
        as_dict: bool = False,
        class_fields: ClassFields = "documented",
        classes: Selection | None = None,
        min_score: float | None = None,
        max_detections: int = MAX_TOTAL,
        nms: NmsMode = "per-class",
        truncated: Truncated = "error",
    ) -> Detections | list[Detections] | dict[str, NDArray[Any]]:
        """Detect in one image (path, URL, bytes, open file, PIL image, array) or in a list of images.

        Arrays are RGB `[H, W, 3]`, uint8 or float 0..1; a 4-D array is a list of images. `classes` is a selection such
        as `"Vehicle,-Car"`: no others are detected. `nms="class-agnostic"` lets boxes of different classes suppress
        each other. `nms="hierarchy"` suppresses, of the best hundred, an ancestor class where a descendant has the same
        box, and names the ancestors of the others. `min_score` 0..1 drops lower scores; 0 keeps the best
        `max_detections` however low they score. `truncated="keep"` decodes a damaged image as far as
        possible, and its Detections have `truncated` set.

        With `as_dict=True`, the original's contract: `image` is float32 `[1, H, W, 3]` in 0..1, and by default the 100
        best are returned however low they score. The result has detection_boxes `[N, 4]`, detection_class_entities,
        detection_class_names, detection_class_labels (int64) and detection_scores. `class_fields="served"` returns the
        strings as the published module did (SEMANTICS §1.2).

        Raises ArgumentError for unusable arguments, UnknownClassError, and ImageError for an unreadable image.
        """
        if min_score is None:
            min_score = 0.0 if as_dict else DEFAULT_MIN_SCORE
        rules = rules_for(self._compiled, classes, min_score, max_detections, nms)
        check_class_fields(class_fields)
        check_truncated(truncated)
        if as_dict:
            (found,) = self._images.detect(self._runtime, [check_input(image)], rules)
            return to_contract(_raise_error(found), class_fields)
        if isinstance(image, np.ndarray) and image.ndim == 4:
            image = list(image)
        if isinstance(image, list | tuple):
            sources = _reading(map(source_of, image), truncated)
            return [_raise_error(found) for found in self._detect_many(sources, rules, None)]
        (found,) = self._images.detect(self._runtime, list(_reading([source_of(image)], truncated)), rules)
        return _raise_error(found)

    def stream(
        self,
        sources: ImageLike | Iterable[ImageLike],
        *,
        classes: Selection | None = None,
        min_score: float = DEFAULT_MIN_SCORE,
        max_detections: int = MAX_TOTAL,
        nms: NmsMode = "per-class",
        truncated: Truncated = "error",
        stop: threading.Event | None = None,
    ) -> Iterator[Detections]:
        """Detect in many images, in order, in bounded memory: files, folders, globs, URLs, arrays, ...

        Each of the detector's threads reads, runs and post-processes a batch of images at a time. An unreadable image
        yields empty Detections with `error` set, and the rest goes on. Images are prefetched from `sources`: two
        batches for each thread, and at least eight images. `truncated` acts as in a call. Once `stop` is set, results
        that are ready are still yielded, and then nothing more.
        """
        rules = rules_for(self._compiled, classes, min_score, max_detections, nms)
        check_truncated(truncated)
        images: Any = [sources] if is_image(sources) else sources
        yield from self._detect_many(_reading(expand(images), truncated), rules, stop)

    def rules(
        self,
        *,
        classes: Selection | None = None,
        min_score: float = DEFAULT_MIN_SCORE,
        max_detections: int = MAX_TOTAL,
        nms: NmsMode = "per-class",
    ) -> PostprocessRules:
        """Check the arguments of a call, once for many batches. Raises ArgumentError and UnknownClassError."""
        return rules_for(self._compiled, classes, min_score, max_detections, nms)

    def runtime_for(self, *, alone: bool) -> Runtime:
        """Return what runs the network: for one caller `alone` on all threads, else for many, on one thread each."""
        return self._runtime if alone or self.network.is_large else self._stream_runtime

    def detect_batch(self, images: Sequence[Source], rules: PostprocessRules, runtime: Runtime) -> list[Detections]:
        """Detect in a batch on the thread that calls, for servers that have threads of their own.

        `runtime` is one of `runtime_for`, or wraps it. An unreadable image yields empty Detections with `error` set.
        """
        return self._images.detect(runtime, images, rules)

    def _detect_many(
        self, sources: Iterable[Source], rules: PostprocessRules, stop: threading.Event | None
    ) -> Iterator[Detections]:
        rest = iter(sources)
        first = list(islice(rest, max(MANY, self._batch_size * self._threads)))
        if self.network.is_large:
            return in_order(
                chain(first, rest), lambda batch: self._images.detect(self._runtime, batch, rules), 1, 1, stop
            )
        runtime = self._runtime if len(first) < MANY else self._stream_runtime
        # A few images are distributed evenly, so that no thread is idle.
        batch_size = min(self._batch_size, -(-len(first) // self._threads)) or 1
        return in_order(
            chain(first, rest),
            lambda batch: self._images.detect(runtime, batch, rules),
            batch_size,
            self._threads,
            stop,
        )

    def _open_for_streams(self) -> Runtime:
        """Open the network for one thread a batch: threads that share a batch wait for each other at each layer."""
        concurrency = Concurrency(self._threads, callers=self._threads, batch=self._batch_size)
        alike = concurrency == Concurrency(self._threads)
        runtime = self._runtime.here() if alike else self._open(concurrency)
        self._compiled.release()  # no other runtime will be opened
        return runtime

    def _open(self, concurrency: Concurrency) -> Runtime:
        return open_runtime(self._runtime_name, self._compiled, self._precision, concurrency)


def _reopen(open_: Callable[[], Compiled], identity: str, options: dict[str, Any]) -> Detector:
    """Open a Detector that was pickled. Raises WeightsError if its model is not there or has changed."""
    compiled = open_()
    if compiled.identity(options["precision"]) != identity:
        raise WeightsError(f"{compiled.name}: the model has changed since this Detector was pickled; load it again")
    return Detector(compiled, **options)


def _reading(sources: Iterable[Source], truncated: Truncated) -> Iterable[Source]:
    """Say in each source what to do with a damaged image, where the call differs from the default."""
    return sources if truncated == "error" else (replace(source, truncated=truncated) for source in sources)


def _raise_error(found: Detections) -> Detections:
    found.raise_error()
    return found
