"""The Detector: a model opened on a runtime."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, overload

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from boxable.detection.contract import ClassFields, check_class_fields, check_input, to_contract
from boxable.detection.detections import Detections
from boxable.detection.pipeline import prepared_batches
from boxable.detection.postprocess import MAX_TOTAL, postprocess
from boxable.detection.specific import most_specific
from boxable.errors import ArgumentError, BoxableError, WeightsError
from boxable.images.resize import network_input
from boxable.images.sources import Picture, Source, expand, is_picture, source_of
from boxable.networks.anchors import ssd_anchors
from boxable.networks.layers import Network
from boxable.runtimes.onnx_runtime import OnnxRuntime
from boxable.settings import available_cores
from boxable.vocabulary import ClassList, select
from boxable.vocabulary.selection import Selection
from boxable.weights.model import Description

Floats = NDArray[np.float32]
Nms = Literal["per-class", "class-agnostic", "hierarchy"]

DEFAULT_BATCH_SIZE = 8
MAX_COUNT = 1024  # threads, or pictures of a batch: more than any machine has room for


class _Input(NamedTuple):
    values: Floats  # [size, size, 3]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Options:
    """How one call filters what the network gives; checked once."""

    columns: NDArray[np.intp] | None
    min_score: float
    max_detections: int
    nms: Nms


class Detector:
    """Finds objects in pictures. Made by `boxable.load`; one may be used from many threads at once.

    `detector(picture)` gives Detections, `detector([...])` a list of them, `detector.stream(sources)` one
    after the other, and `detector(array, as_dict=True)` the dictionary of the original TF-Hub module. `fingerprint`
    tells one compiled model from another, whatever their names.
    """

    def __init__(self, graph: bytes, name: str, *, threads: int | None = None) -> None:
        if threads is not None:
            _check_count("threads", threads)
        self._threads = threads or available_cores()
        self._runtime = OnnxRuntime(graph, name, self._threads)
        self._description = Description.from_metadata(self._runtime.metadata, name)
        self._check_shapes(name)
        self.fingerprint = f"crc32c:{google_crc32c.value(graph):08x}"

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
        image: list[Picture] | tuple[Picture, ...],
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
        image: Picture,
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
        image: Picture,
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
        image: Picture,
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
        options = self._options(classes, min_score, max_detections, nms)
        check_class_fields(class_fields)
        if as_dict:
            pixels = check_input(image)
            return to_contract(self._detect([(source_of("array"), self._input(pixels))], options)[0], class_fields)
        if isinstance(image, np.ndarray) and image.ndim == 4:
            image = list(image)
        if not isinstance(image, list | tuple):
            source = source_of(image)
            return self._detect([(source, self._prepare(source))], options)[0]
        found = self._run([source_of(item) for item in image], options, batch_size, None)
        return [_or_raise(item) for item in found]

    def stream(
        self,
        sources: Picture | Iterable[Picture],
        *,
        classes: Selection | None = None,
        min_score: float = 0.0,
        max_detections: int = MAX_TOTAL,
        nms: Nms = "per-class",
        batch_size: int = DEFAULT_BATCH_SIZE,
        stop: threading.Event | None = None,
    ) -> Iterator[Detections]:
        """Detect in many pictures, in order, without holding them all: files, folders, globs, URLs, arrays, ...

        A picture that cannot be read comes as empty Detections with `error` set, and the rest goes on. Pictures
        are taken from `sources` some way ahead: two batches and one for each thread. Once `stop` is set, what
        is ready still comes, and then nothing more.
        """
        options = self._options(classes, min_score, max_detections, nms)
        if is_picture(sources):
            sources = [sources]
        for found in self._run(expand(sources), options, batch_size, stop):
            yield self._failed(*found) if isinstance(found, tuple) else found

    def _run(
        self, sources: Iterable[Source], options: _Options, batch_size: int, stop: threading.Event | None
    ) -> Iterator[Detections | tuple[Source, BoxableError]]:
        _check_count("batch_size", batch_size)
        for batch in prepared_batches(sources, self._prepare, batch_size, self._threads, stop):
            good = [(source, item) for source, item in batch if isinstance(item, _Input)]
            found = iter(self._detect(good, options))
            for source, item in batch:
                yield (source, item) if isinstance(item, BoxableError) else next(found)

    def _check_shapes(self, name: str) -> None:
        """Refuse a graph that says it is ours and is not."""
        size, anchors, columns = self.network.input_size, self.network.num_anchors, self.network.num_classes + 1
        expected = {
            "images": [size, size, 3], "box_encodings": [anchors, 4], "class_logits": [anchors, columns],
        }  # fmt: skip
        found = {tensor: shape[1:] for tensor, shape in self._runtime.shapes.items()}
        if found != expected:
            raise WeightsError(f"{name}: inputs and outputs are {found}; expected {expected}")

    def _prepare(self, source: Source) -> _Input:
        return self._input(source.pixels())

    def _input(self, pixels: NDArray[np.uint8] | Floats) -> _Input:
        height, width = pixels.shape[:2]
        return _Input(network_input(pixels, self.network.input_size), width, height)

    def _detect(self, batch: list[tuple[Source, _Input]], options: _Options) -> list[Detections]:
        if not batch:
            return []
        codes, logits = self._runtime.run(np.stack([item.values for _, item in batch]))
        return [
            self._finish(source, item, codes[row], logits[row], options) for row, (source, item) in enumerate(batch)
        ]

    def _finish(self, source: Source, item: _Input, codes: Floats, logits: Floats, options: _Options) -> Detections:
        """Detections from the raw heads of one picture."""
        by_hierarchy = options.nms == "hierarchy"
        kept = postprocess(
            codes, logits, self._anchors, columns=options.columns, min_score=options.min_score,
            score_threshold=self._description.score_threshold,
            max_detections=max(options.max_detections, MAX_TOTAL) if by_hierarchy else options.max_detections,
            nms="per-class" if options.nms == "hierarchy" else options.nms,
        )  # fmt: skip
        label_ids, mids, names = self._class_arrays
        found = Detections(
            kept.boxes, kept.scores, label_ids[kept.columns], mids[kept.columns], names[kept.columns],
            item.width, item.height, source.name, self.classes, _picture=source, name_ancestors=by_hierarchy,
        )  # fmt: skip
        if by_hierarchy:
            found = found[most_specific(found.boxes, found.mids.tolist())[: options.max_detections]]
        return found

    def _failed(self, source: Source, error: BoxableError) -> Detections:
        empty = np.zeros(0, np.intp)
        label_ids, mids, names = self._class_arrays
        boxes, scores = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        return Detections(
            boxes, scores, label_ids[empty], mids[empty], names[empty], 0, 0, source.name, self.classes,
            error=str(error), _picture=source,
        )  # fmt: skip

    def _options(self, classes: Selection | None, min_score: float, max_detections: int, nms: Nms) -> _Options:
        if not 0.0 <= min_score <= 1.0:
            raise ArgumentError(f"min_score={min_score} came; expected a number from 0 to 1")
        if not (isinstance(max_detections, int | np.integer) and max_detections >= 1):
            raise ArgumentError(f"max_detections={max_detections} came; expected a whole number from 1")
        if nms not in ("per-class", "class-agnostic", "hierarchy"):
            raise ArgumentError(f"nms={nms!r} came; expected 'per-class', 'class-agnostic' or 'hierarchy'")
        columns = None
        if classes is not None:
            columns = np.array([self.classes.column(item) for item in select(classes, self.classes)], np.intp)
        return _Options(columns, min_score, int(max_detections), nms)

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


def _check_count(name: str, value: int) -> None:
    if not (isinstance(value, int | np.integer) and 1 <= value <= MAX_COUNT):
        raise ArgumentError(f"{name}={value} came; expected a whole number from 1 to {MAX_COUNT}")


def _or_raise(found: Detections | tuple[Source, BoxableError]) -> Detections:
    if isinstance(found, tuple):
        raise found[1]
    return found
