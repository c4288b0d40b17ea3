"""The Detector: a model opened on a runtime."""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from itertools import chain, islice
from typing import Any, Literal, NamedTuple, overload

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from boxable.detection.contract import ClassFields, check_class_fields, check_input, to_contract
from boxable.detection.detections import Detections
from boxable.detection.hierarchy_nms import hierarchy_nms
from boxable.detection.options import Decode, Nms, Options, check_count, check_decode, options
from boxable.detection.postprocess import MAX_TOTAL, Kept, postprocess
from boxable.errors import BoxableError, WeightsError
from boxable.images.resize import network_input
from boxable.images.sources import ImageLike, Pixels, Source, expand, is_picture, source_of
from boxable.networks.anchors import ssd_anchors
from boxable.networks.layers import Network
from boxable.parallel import in_order
from boxable.runtimes import Precision, Runtime, RuntimeName, Use, open_runtime
from boxable.runtimes.torch_runtime import TorchRuntime
from boxable.settings import available_cores
from boxable.vocabulary import ClassList
from boxable.vocabulary.selection import Selection
from boxable.weights.model import Description

Floats = NDArray[np.float32]
# Measured, with one thread for each batch: more takes more memory and is no faster, one is up to 6 % slower.
DEFAULT_BATCH_SIZE = 2
# So many pictures at least pay for opening the network once more, to run each batch on one thread.
MANY = 8


class _Size(NamedTuple):
    """Of the upright picture, in pixels."""

    width: int
    height: int


class Detector:
    """Finds objects in pictures. Made by `boxable.load`; one may be used from many threads at once.

    `detector(picture)` gives Detections, `detector([...])` a list of them, `detector.stream(sources)` one
    after the other, and `detector(array, as_dict=True)` the dictionary of the original TF-Hub module. `fingerprint`
    tells one compiled model, and its way to decode, from another, whatever their names; `runtime` and `precision` are
    those that run it.
    """

    def __init__(
        self,
        graph: bytes,
        name: str,
        *,
        threads: int | None = None,
        decode: Decode = "exact",
        runtime: RuntimeName = "onnxruntime",
        precision: Precision = "fp32",
    ) -> None:
        check_decode(decode)
        self.runtime, self.precision = runtime, precision
        if threads is not None:
            check_count("threads", threads)
        self._threads = threads or available_cores()
        open_for: Callable[[Use], Runtime] = partial(open_runtime, runtime, graph, name, precision)
        self._runtime = open_for(Use(self._threads))
        self._stream_runtime, self._opening = self._runtime, threading.Lock()
        self._open_for: Callable[[Use], Runtime] | None = open_for
        self._description = Description.from_metadata(self._runtime.metadata, name)
        self._check_shapes(name)
        self._least = self.network.input_size if decode == "fast" else None
        unusual = [option for option in (runtime, precision, decode) if option not in ("onnxruntime", "fp32", "exact")]
        self.fingerprint = "-".join([f"crc32c:{google_crc32c.value(graph):08x}", *unusual])

    @property
    def handle(self) -> str:
        """Handle of the model."""
        return self._description.handle

    @property
    def classes(self) -> ClassList:
        """The classes that the model can name."""
        return self._description.classes

    @property
    def network(self) -> Network:
        """Its architecture."""
        return self._description.network

    def __repr__(self) -> str:
        return f"<Detector {self.handle}, {len(self.classes)} classes>"

    @overload
    def __call__(
        self,
        image: list[ImageLike] | tuple[ImageLike, ...],
        *,
        classes: Selection | None = ...,
        min_score: float = ...,
        max_detections: int = ...,
        nms: Nms = ...,
        batch_size: int = ...,
    ) -> list[Detections]: ...
    @overload
    def __call__(
        self,
        image: ImageLike,
        *,
        as_dict: Literal[True],
        class_fields: ClassFields = ...,
        classes: Selection | None = ...,
        min_score: float = ...,
        max_detections: int = ...,
        nms: Nms = ...,
    ) -> dict[str, NDArray[Any]]: ...
    @overload
    def __call__(
        self,
        image: ImageLike,
        *,
        as_dict: Literal[False] = ...,
        classes: Selection | None = ...,
        min_score: float = ...,
        max_detections: int = ...,
        nms: Nms = ...,
        batch_size: int = ...,
    ) -> Detections: ...
    def __call__(
        self,
        image: ImageLike,
        *,
        as_dict: bool = False,
        class_fields: ClassFields = "documented",
        classes: Selection | None = None,
        min_score: float = 0.0,
        max_detections: int = MAX_TOTAL,
        nms: Nms = "per-class",
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> Detections | list[Detections] | dict[str, NDArray[Any]]:
        """Detect in one picture (path, URL, bytes, PIL image, array) or in a list of pictures.

        Arrays are RGB `[H, W, 3]`, uint8 or float 0..1; a 4-D array is taken as a list. `classes` is a
        selection such as `"Vehicle,-Car"`; nothing else is looked for then. `nms="class-agnostic"` lets boxes
        of different classes suppress each other; `"hierarchy"` drops, of the best hundred, a class
        where one of its kinds has the same box, and names the ancestors of what stays.

        With `as_dict=True`: the original's contract. `image` is float32 `[1, H, W, 3]` in 0..1; the result
        holds detection_boxes `[N, 4]`, detection_class_entities, detection_class_names,
        detection_class_labels (int64) and detection_scores; `class_fields="served"` gives the strings as the
        published module really did (SEMANTICS §1.2).

        Raises ArgumentError for what cannot be used, UnknownClassError, and ImageError for a picture that
        cannot be read.
        """
        asked = options(self.classes, classes, min_score, max_detections, nms)
        check_class_fields(class_fields)
        if as_dict:
            values = check_input(image)
            size = _Size(values.shape[1], values.shape[0])
            return to_contract(self._single(source_of("array"), values, size, asked), class_fields)
        if isinstance(image, np.ndarray) and image.ndim == 4:
            image = list(image)
        if not isinstance(image, list | tuple):
            source = source_of(image)
            pixels, width, height = source.pixels_and_size(self._least)
            return self._single(source, pixels, _Size(width, height), asked)
        found = self._run([source_of(item) for item in image], asked, batch_size, None)
        return [_or_raise(item) for item in found]

    def stream(
        self,
        sources: ImageLike | Iterable[ImageLike],
        *,
        classes: Selection | None = None,
        min_score: float = 0.0,
        max_detections: int = MAX_TOTAL,
        nms: Nms = "per-class",
        batch_size: int = DEFAULT_BATCH_SIZE,
        stop: threading.Event | None = None,
    ) -> Iterator[Detections]:
        """Detect in many pictures, in order, without holding them all: files, folders, globs, URLs, arrays, ...

        Each of the detector's threads does everything for `batch_size` pictures at a time, from reading to NMS. A
        picture that cannot be read comes as empty Detections with `error` set, and the rest goes on. Pictures
        are taken from `sources` some way ahead: two batches for each thread, and at least eight pictures. Once
        `stop` is set, what is ready still comes, and then nothing more.
        """
        asked = options(self.classes, classes, min_score, max_detections, nms)
        if is_picture(sources):
            sources = [sources]
        for found in self._run(expand(sources), asked, batch_size, stop):
            yield self._failed(*found) if isinstance(found, tuple) else found

    def steps(self, min_score: float) -> dict[str, Callable[[Any], Any]]:
        """What a call does to one picture, to be timed step by step; each takes what the one before gave.

        With torch on a GPU a call does the last step there; this one does it in NumPy.
        """
        asked, side = options(self.classes, None, min_score, MAX_TOTAL, "per-class"), self.network.input_size
        rules = self._rules(asked)
        return {
            "decode": lambda picture: (source := source_of(picture), *source.pixels_and_size(self._least)),
            "resize": lambda read: (read[0], _Size(*read[2:]), network_input(read[1], side)[None]),
            "network": lambda item: (*item[:2], *self._runtime.run(item[2])),
            "postprocess": lambda item: self._finish(
                item[0], item[1], postprocess(item[2][0], item[3][0], self._anchors, **rules), asked
            ),
        }

    def _run(
        self, sources: Iterable[Source], asked: Options, batch_size: int, stop: threading.Event | None
    ) -> Iterator[Detections | tuple[Source, BoxableError]]:
        check_count("batch_size", batch_size)
        rest = iter(sources)
        first = list(islice(rest, max(MANY, batch_size * self._threads)))
        runtime = self._runtime if len(first) < MANY else self._for_streams(batch_size)
        # A few pictures are shared out evenly, so that no thread stands idle.
        batch_size = min(batch_size, -(-len(first) // self._threads)) or 1
        return in_order(
            chain(first, rest), lambda batch: self._detect(runtime, batch, asked), batch_size, self._threads, stop
        )

    def _for_streams(self, batch_size: int) -> Runtime:
        """The network opened for one thread a batch: threads that share a batch wait for each other at each layer."""
        with self._opening:
            if self._open_for is not None:
                use = Use(self._threads, callers=self._threads, batch=batch_size)
                if use != Use(self._threads):
                    self._stream_runtime = self._open_for(use)
                self._open_for = None  # the graph need not be kept any longer
            return self._stream_runtime

    def _check_shapes(self, name: str) -> None:
        """Refuse a graph that says it is ours and is not."""
        size, anchors, columns = self.network.input_size, self.network.num_anchors, self.network.num_classes + 1
        expected = {
            "images": [size, size, 3], "box_encodings": [anchors, 4], "class_logits": [anchors, columns],
        }  # fmt: skip
        found = {tensor: shape[1:] for tensor, shape in self._runtime.shapes.items()}
        if found != expected:
            raise WeightsError(f"{name}: inputs and outputs are {found}; expected {expected}")

    def _single(self, source: Source, pixels: Pixels, size: _Size, asked: Options) -> Detections:
        """Detections in one picture, on all threads."""
        kept = self._find(self._runtime, network_input(pixels, self.network.input_size)[None], asked)
        return self._finish(source, size, kept[0], asked)

    def _detect(
        self, runtime: Runtime, sources: list[Source], asked: Options
    ) -> list[Detections | tuple[Source, BoxableError]]:
        """Detections in each picture of a batch, or why there are none."""
        side = self.network.input_size
        values = np.empty((len(sources), side, side, 3), np.float32)
        read: list[_Size | BoxableError] = []
        good = 0
        for source in sources:
            try:
                pixels, width, height = source.pixels_and_size(self._least)
                network_input(pixels, side, values[good])
                read.append(_Size(width, height))
                good += 1
            except BoxableError as error:
                read.append(error)
        found = iter(self._find(runtime, values[:good], asked) if good else ())
        return [
            (source, size) if isinstance(size, BoxableError) else self._finish(source, size, next(found), asked)
            for source, size in zip(sources, read, strict=True)
        ]

    def _find(self, runtime: Runtime, images: Floats, asked: Options) -> list[Kept]:
        """What the network finds in each of the images `[B, size, size, 3]`."""
        rules = self._rules(asked)
        if isinstance(runtime, TorchRuntime) and runtime.on_gpu:
            from boxable.detection.on_device import Rules, detect

            return detect(runtime, images, self._anchors, Rules(**rules))
        heads = zip(*runtime.run(images), strict=True)
        return [postprocess(codes, logits, self._anchors, **rules) for codes, logits in heads]

    def _rules(self, asked: Options) -> dict[str, Any]:
        """The arguments of `postprocess` beside what the network gives."""
        by_hierarchy = asked.nms == "hierarchy"
        return {
            "columns": asked.columns, "min_score": asked.min_score,
            "score_threshold": self._description.score_threshold,
            "max_detections": max(asked.max_detections, MAX_TOTAL) if by_hierarchy else asked.max_detections,
            "nms": "per-class" if by_hierarchy else asked.nms,
        }  # fmt: skip

    def _finish(self, source: Source, size: _Size, kept: Kept, asked: Options) -> Detections:
        """Detections of one picture from what the network finds."""
        by_hierarchy = asked.nms == "hierarchy"
        label_ids, mids, names = self._class_arrays
        found = Detections(
            kept.boxes, kept.scores, label_ids[kept.columns], mids[kept.columns], names[kept.columns],
            size.width, size.height, source.name, self.classes, _picture=source, name_ancestors=by_hierarchy,
        )  # fmt: skip
        if by_hierarchy:
            found = found[hierarchy_nms(found.boxes, found.mids.tolist())[: asked.max_detections]]
        return found

    def _failed(self, source: Source, error: BoxableError) -> Detections:
        empty = np.zeros(0, np.intp)
        label_ids, mids, names = self._class_arrays
        boxes, scores = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        return Detections(
            boxes, scores, label_ids[empty], mids[empty], names[empty], 0, 0, source.name, self.classes,
            error=str(error), _picture=source,
        )  # fmt: skip

    @cached_property
    def _anchors(self) -> Floats:
        return ssd_anchors(tuple(item.layer.size_out for item in self.network.feature_maps))

    @cached_property
    def _class_arrays(self) -> tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.str_]]:
        """Label ids, MIDs and names by column."""
        return (
            np.array([item.label_id for item in self.classes], np.int64),
            np.array([item.mid for item in self.classes], np.str_),
            np.array([item.name for item in self.classes], np.str_),
        )


def _or_raise(found: Detections | tuple[Source, BoxableError]) -> Detections:
    if isinstance(found, tuple):
        raise found[1]
    return found
