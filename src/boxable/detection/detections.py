"""What was found in one picture."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from boxable.errors import ArgumentError, ImageError, MissingExtraError
from boxable.formats.record import DetectionRecord, ImageRecord
from boxable.images.sources import ImageLike, Source, source_of
from boxable.vocabulary import ClassList, open_images, open_images_hierarchy, select
from boxable.vocabulary.selection import Selection


@dataclass(frozen=True, slots=True)
class Detection:
    """One object: its class, score 0..1 and box (ymin, xmin, ymax, xmax; 0..1 in the upright picture)."""

    label_id: int
    mid: str
    name: str
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False, repr=False)
class Detections:
    """The objects found in one picture, best first; arrays of one length N.

    `boxes` float32 `[N, 4]` (ymin, xmin, ymax, xmax; 0..1 in the upright picture), `scores` float32 `[N]`,
    `label_ids` int64 `[N]`, `mids` and `names` str `[N]`. `width` and `height` are the upright picture's, in
    pixels. `classes` are those that could have been found. In a stream, `error` says why a picture could not
    be read; N is 0 then. With `name_ancestors` the dictionary and the table name them too.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    label_ids: NDArray[np.int64]
    mids: NDArray[np.str_]
    names: NDArray[np.str_]
    width: int
    height: int
    source: str
    classes: ClassList
    error: str | None = None
    name_ancestors: bool = False
    _picture: Source | None = field(default=None)

    def __post_init__(self) -> None:
        count = len(self.scores)
        if self.boxes.shape != (count, 4):
            raise ArgumentError(f"boxes of shape {list(self.boxes.shape)} for {count} scores; expected [{count}, 4]")
        for name in ("label_ids", "mids", "names"):
            if len(getattr(self, name)) != count:
                raise ArgumentError(f"{len(getattr(self, name))} {name} for {count} scores; expected as many")

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
        """One Detection at a position; those of a slice, a mask or a list of positions as Detections."""
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
        return f"<{len(self)} Detections in {self.source} ({size}): {shown or 'nothing found'}{more}>"

    @cached_property
    def ancestors(self) -> list[tuple[str, ...]]:
        """For each detection the names of the classes of which its class is a kind, nearest first."""
        hierarchy, known = open_images_hierarchy(), open_images()
        return [tuple(known.find(mid).name for mid in hierarchy.ancestors(own)) for own in self.mids.tolist()]

    def filter(self, classes: Selection | None = None, min_score: float = 0.0) -> "Detections":
        """Those of some classes (the selection grammar) and of at least this score.

        This takes away from what was found; `classes` of the call itself looks for nothing else from the
        start, and so may find more. Raises UnknownClassError.
        """
        keep = self.scores >= np.float32(min_score)
        if classes is not None:
            chosen = {item.mid for item in select(classes, self.classes)}
            keep &= np.array([mid in chosen for mid in self.mids.tolist()], bool)
        return self[keep]

    def to_dict(self) -> ImageRecord:
        """As plain numbers and strings, in the layout of `--format jsonl`."""
        found: list[DetectionRecord] = [
            {"label": item.label_id, "mid": item.mid, "name": item.name, "score": item.score, "box": list(item.box)}
            for item in self
        ]
        if self.name_ancestors:
            for item, names in zip(found, self.ancestors, strict=True):
                item["ancestors"] = list(names)
        record: ImageRecord = {"source": self.source, "width": self.width, "height": self.height, "detections": found}
        if self.error is not None:
            record["error"] = self.error
        return record

    def to_json(self) -> str:
        """`to_dict` as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def to_rows(self) -> list[dict[str, Any]]:
        """One flat dict a detection: source, label_id, mid, name, score, ymin, xmin, ymax, xmax."""
        return [
            {"source": self.source, "label_id": item.label_id, "mid": item.mid, "name": item.name, "score": item.score}
            | dict(zip(("ymin", "xmin", "ymax", "xmax"), item.box, strict=True))
            for item in self
        ]

    def to_pandas(self) -> Any:
        """`to_rows` as a pandas DataFrame. Raises MissingExtraError without pandas."""
        try:
            import pandas
        except ImportError:
            raise MissingExtraError("to_pandas", "pandas") from None
        columns = ["source", "label_id", "mid", "name", "score", "ymin", "xmin", "ymax", "xmax"]
        return pandas.DataFrame(self.to_rows(), columns=columns)

    def to_supervision(self) -> Any:
        """As `supervision.Detections`: pixels, label ids as class ids. Raises MissingExtraError without it."""
        try:
            import supervision
        except ImportError:
            raise MissingExtraError("to_supervision", "supervision") from None
        scale = np.array([self.width, self.height, self.width, self.height], np.float32)
        return supervision.Detections(
            xyxy=self.boxes[:, [1, 0, 3, 2]] * scale,
            confidence=self.scores,
            class_id=self.label_ids.astype(int),
            data={"class_name": self.names, "mid": self.mids},
        )

    def draw(self, image: ImageLike = None) -> Image.Image:
        """The picture with boxes, names and scores drawn; very small pictures are enlarged for legibility.

        `image` is what to draw on; by default the picture itself, read again where it is a file. Raises
        ImageError if it cannot be read.
        """
        from boxable.images.draw import draw_boxes

        pixels = self._pixels(image)
        labels = [f"{item.name} {item.score:.0%}" for item in self]
        return draw_boxes(pixels, self.boxes, labels, self.label_ids.tolist())

    def crops(self, image: ImageLike = None) -> list[Image.Image]:
        """Each object cut out of the picture, at least one pixel large; `image` as in `draw`."""
        pixels = self._pixels(image)
        height, width = pixels.shape[:2]
        crops = []
        for ymin, xmin, ymax, xmax in self.boxes.tolist():
            top, left = min(round(ymin * height), height - 1), min(round(xmin * width), width - 1)
            bottom, right = max(round(ymax * height), top + 1), max(round(xmax * width), left + 1)
            crops.append(Image.fromarray(pixels[top:bottom, left:right]))
        return crops

    def _pixels(self, image: ImageLike) -> NDArray[np.uint8]:
        source = self._picture if image is None else source_of(image)
        if source is None:
            raise ImageError(f"{self.source}: the picture is not at hand; pass it, as in draw(image)")
        pixels = source.pixels()
        # A cast that changes nothing for uint8; rint would make half floats of it.
        return pixels.astype(np.uint8, copy=False) if pixels.dtype == np.uint8 else np.rint(pixels).astype(np.uint8)

    def _repr_html_(self) -> str:
        from boxable.detection.notebook import to_html

        return to_html(self)
