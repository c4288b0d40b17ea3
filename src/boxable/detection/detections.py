"""The result of detection in one image."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from boxable.detection.options import check_min_score
from boxable.errors import ArgumentError, BoxableError, ImageError, MissingExtraError
from boxable.findings import counted
from boxable.formats.record import DetectionRecord, ImageRecord
from boxable.images.save import check_suffix, save_image
from boxable.images.sources import ImageLike, Source, id_of_name, source_of
from boxable.vocabulary import ClassList, open_images, open_images_hierarchy, select
from boxable.vocabulary.selection import Owner, Selection


@dataclass(frozen=True, slots=True)
class Detection:
    """One object: its class, score 0..1 and box (ymin, xmin, ymax, xmax; 0..1 in the upright image)."""

    label_id: int
    mid: str
    name: str
    score: float
    box: tuple[float, float, float, float]


_ARRAYS: dict[str, type] = {
    "boxes": np.float32, "scores": np.float32, "label_ids": np.int64, "mids": np.str_, "names": np.str_,
}  # fmt: skip
_COLUMNS: dict[str, Any] = {
    "source": str, "label_id": "int64", "mid": str, "name": str, "score": "float64",
    "ymin": "float64", "xmin": "float64", "ymax": "float64", "xmax": "float64",
}  # fmt: skip
# Rows of the table in a notebook.
_NOTEBOOK_ROWS = 20


class Drawing(TypedDict, total=False):
    """Options of `Detections.draw`."""

    line_width: int | None
    text_size: int | None
    labels: bool
    enlarge: bool


@dataclass(frozen=True, eq=False, repr=False)
class Detections:
    """The objects detected in one image, best first: arrays of one length N.

    `boxes` float32 `[N, 4]` (ymin, xmin, ymax, xmax; 0..1 in the upright image), `scores` float32 `[N]`, `label_ids`
    int64 `[N]`, `mids` and `names` str `[N]`. `width` and `height` are those of the upright image, in pixels. `classes`
    are those that the model can detect. In a stream, `error` is the reason why an image could not be read; N is 0 then.
    `truncated` tells that the image is damaged and was decoded as far as possible. With `name_ancestors` the dictionary
    and the table name the ancestors of each class.

    Raises ArgumentError for arrays of different lengths.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    label_ids: NDArray[np.int64]
    mids: NDArray[np.str_]
    names: NDArray[np.str_]
    width: int
    height: int
    source: str = "image"
    classes: ClassList = field(default_factory=open_images)
    error: str | None = None
    truncated: bool = False
    name_ancestors: bool = False
    _image: Source | None = None
    _exception: BoxableError | None = None
    _owner: Owner | None = None

    def __post_init__(self) -> None:
        for name, dtype in _ARRAYS.items():
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype))
        count = len(self.scores)
        if self.boxes.shape != (count, 4):
            raise ArgumentError(f"boxes: expected [{count}, 4] for {count} scores, got {list(self.boxes.shape)}")
        for name in ("label_ids", "mids", "names"):
            if len(getattr(self, name)) != count:
                raise ArgumentError(f"{name}: expected {count}, one for each score, got {len(getattr(self, name))}")

    @classmethod
    def empty(
        cls, source: str = "image", classes: ClassList | None = None, *, error: BoxableError | None = None
    ) -> "Detections":
        """Make Detections without any, of an image of unknown size; `error` is why it could not be read."""
        boxes, scores = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        label_ids, strings = np.zeros(0, np.int64), np.zeros(0, np.str_)
        known = open_images() if classes is None else classes
        return cls(
            boxes, scores, label_ids, strings, strings, 0, 0, source, known,
            error=None if error is None else str(error), _exception=error,
        )  # fmt: skip

    def raise_error(self) -> None:
        """Raise the error for which the image could not be read, if there is one."""
        if self._exception is not None:
            raise self._exception

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[Detection]:
        rows = zip(self.label_ids.tolist(), self.mids.tolist(), self.names.tolist(), self.scores.tolist(),
                   self.boxes.tolist(), strict=True)  # fmt: skip
        for label_id, mid, name, score, box in rows:
            yield Detection(label_id, mid, name, score, tuple(box))

    @overload
    def __getitem__(self, index: int) -> Detection: ...
    @overload
    def __getitem__(self, index: slice | NDArray[Any] | list[int]) -> "Detections": ...
    def __getitem__(self, index: int | slice | NDArray[Any] | list[int]) -> "Detection | Detections":
        """Return the Detection at a position, or the Detections of a slice, a mask or a list of positions."""
        if isinstance(index, int | np.integer):
            return next(iter(self[[int(index)]]))
        arrays = {name: getattr(self, name)[index] for name in ("boxes", "scores", "label_ids", "mids", "names")}
        return replace(self, **arrays)

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}"
        if self.error:
            return f"<Detections of {self.source}: {self.error}>"
        shown = ", ".join(f"{item.name} {item.score:.2f}" for item in self[:5])
        more = f", … {len(self) - 5} more" if len(self) > 5 else ""
        return f"<{counted(len(self), 'Detection|s')} in {self.source} ({size}): {shown or 'none'}{more}>"

    @property
    def image_id(self) -> str:
        """The id of the image: its path below the folder that it was found in, or its name (docs/detecting.md)."""
        return self._image.image_id if self._image is not None else id_of_name(self.source)

    @property
    def xyxy(self) -> NDArray[np.float32]:
        """The boxes as (xmin, ymin, xmax, ymax) in pixels of the upright image: a new array float32 `[N, 4]`."""
        return self.boxes[:, [1, 0, 3, 2]] * np.array([self.width, self.height] * 2, np.float32)

    @cached_property
    def ancestors(self) -> list[tuple[str, ...]]:
        """For each detection the names of the ancestors of its class in the hierarchy, nearest first."""
        hierarchy, known = open_images_hierarchy(), open_images()
        return [tuple(known.find(mid).name for mid in hierarchy.ancestors(own)) for own in self.mids.tolist()]

    def filter(self, classes: Selection | None = None, min_score: float = 0.0) -> "Detections":
        """Keep those of some classes (the selection grammar) and of at least this score, 0..1.

        `classes` of the call itself may return more: other classes take no place among the best `max_detections` then.
        Raises UnknownClassError and ArgumentError.
        """
        check_min_score(min_score)
        keep = self.scores >= np.float32(min_score)
        if classes is not None:
            chosen = {item.mid for item in select(classes, self.classes, self._owner)}
            keep &= np.array([mid in chosen for mid in self.mids.tolist()], bool)
        return self[keep]

    def to_dict(self) -> ImageRecord:
        """Convert to plain numbers and strings, as in `--format jsonl`."""
        found: list[DetectionRecord] = [
            {"label_id": item.label_id, "mid": item.mid, "name": item.name, "score": item.score, "box": list(item.box)}
            for item in self
        ]
        if self.name_ancestors:
            for item, names in zip(found, self.ancestors, strict=True):
                item["ancestors"] = list(names)
        record: ImageRecord = {
            "source": self.source, "image_id": self.image_id, "width": self.width, "height": self.height,
            "detections": found,
        }  # fmt: skip
        if self.error is not None:
            record["error"] = self.error
        if self.truncated:
            record["truncated"] = True
        return record

    def to_json(self) -> str:
        """Convert to one line of JSON, as `to_dict`."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def to_rows(self) -> list[dict[str, Any]]:
        """Convert to one flat dict a detection: source, label_id, mid, name, score, ymin, xmin, ymax, xmax."""
        return [
            {"source": self.source, "label_id": item.label_id, "mid": item.mid, "name": item.name, "score": item.score}
            | dict(zip(("ymin", "xmin", "ymax", "xmax"), item.box, strict=True))
            for item in self
        ]

    def to_pandas(self) -> Any:
        """Convert to a pandas DataFrame of `to_rows`; its dtypes are the same without rows.

        Raises MissingExtraError without pandas.
        """
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_pandas", "pandas") from None
        return pandas.DataFrame(self.to_rows(), columns=list(_COLUMNS)).astype(_COLUMNS)

    def to_supervision(self) -> Any:
        """Convert to `supervision.Detections` with arrays of its own: pixels, label ids as class ids.

        Raises MissingExtraError without supervision.
        """
        try:
            import supervision
        except ImportError:
            raise MissingExtraError("to_supervision", "supervision") from None
        return supervision.Detections(
            xyxy=self.xyxy,
            confidence=self.scores.copy(),
            class_id=self.label_ids.copy(),
            data={"class_name": self.names.copy(), "mid": self.mids.copy()},
        )

    def draw(
        self,
        image: ImageLike | None = None,
        *,
        line_width: int | None = None,
        text_size: int | None = None,
        labels: bool = True,
        enlarge: bool = False,
    ) -> Image.Image:
        """Draw boxes, names and scores on the image.

        `image` is the image to draw on; by default the one detected in, read again where it is a file. `line_width` and
        `text_size` are pixels (1..1000); None: as suits the image. Without `labels` only boxes are drawn. The result
        has the size of the image, and a label that does not fit is left off; with `enlarge` a small image (short side
        below 160 pixels) is enlarged by a whole number, so that its labels can be read.

        Raises ImageError if the image cannot be read, and ArgumentError for a size out of range.
        """
        from boxable.images.draw import draw_boxes

        pixels = self._pixels(image)
        texts = [f"{item.name} {item.score:.0%}" if labels else "" for item in self]
        return draw_boxes(
            pixels, self.boxes, texts, self.label_ids.tolist(),
            line_width=line_width, text_size=text_size, enlarge=enlarge,
        )  # fmt: skip

    def save(self, path: str | PathLike[str], image: ImageLike | None = None, **drawing: Unpack[Drawing]) -> None:
        """Save the annotated image as PNG, JPEG or WebP, by the suffix; arguments as in `draw`.

        The file is written whole or not at all, and folders are made as needed. Raises ArgumentError for another
        suffix, ImageError if the image cannot be read, and BoxableError if the file cannot be written.
        """
        check_suffix(Path(path))
        save_image(self.draw(image, **drawing), Path(path))

    def with_image(self, image: ImageLike) -> "Detections":
        """Return the same Detections, which are drawn on this image by default."""
        return replace(self, _image=source_of(image))

    def crops(self, image: ImageLike | None = None) -> list[Image.Image]:
        """Crop each object, at least one pixel large; `image` as in `draw`."""
        pixels = self._pixels(image)
        height, width = pixels.shape[:2]
        crops = []
        for ymin, xmin, ymax, xmax in self.boxes.tolist():
            top, left = min(round(ymin * height), height - 1), min(round(xmin * width), width - 1)
            bottom, right = max(round(ymax * height), top + 1), max(round(xmax * width), left + 1)
            crops.append(Image.fromarray(pixels[top:bottom, left:right]))
        return crops

    def _pixels(self, image: ImageLike | None) -> NDArray[np.uint8]:
        source = self._image if image is None else source_of(image)
        if source is None:
            raise ImageError(f"{self.source}: the image is not stored here; pass it, as in draw(image)")
        pixels = source.pixels()
        # A cast that changes nothing for uint8; rint would make half floats of it.
        return pixels.astype(np.uint8, copy=False) if pixels.dtype == np.uint8 else np.rint(pixels).astype(np.uint8)

    def _repr_html_(self) -> str:
        from boxable.detection.notebook import to_html

        try:
            image = self.draw(enlarge=True)
        except BoxableError:
            image = None
        rows = [(item.name, item.score, item.box) for item in self[:_NOTEBOOK_ROWS]]
        return to_html(repr(self), rows, len(self) - _NOTEBOOK_ROWS, image)
