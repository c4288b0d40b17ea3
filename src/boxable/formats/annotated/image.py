"""Annotated images, one at a time: the type between all annotation formats."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.findings import Finding, Level, counted
from boxable.formats.columns import BOX_COLUMNS
from boxable.vocabulary import ClassList

_EXAMPLES = 3
_MOST_PIXELS = 10**9
# Beyond it sides overflow, in TFRecord as float32 and in COCO as pixels.
_FARTHEST = 1e30
FLAGS = tuple(name for name, kind in BOX_COLUMNS.items() if kind == "flag")

_UNNAMED = "box|es of a class that the set does not name"
_UNNAMED_LABELS = "image label|s of a class that the set does not name"
_UNREAL = "box|es without numbers, or with exchanged sides"


def pixels(side: float) -> int:
    """Convert a side to pixels; 0 (unknown) for an impossible number."""
    return int(side) if 1 <= side < _MOST_PIXELS else 0


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedImage:
    """An image: `labels` are the MIDs of its boxes, `box` float64 `[N, 4]` (ymin, xmin, ymax, xmax; normalized).

    `width` and `height` are 0 where they are unknown. `rotation` is by how many degrees image and boxes are to be
    turned counter-clockwise. Where it is known, the boxes are of the image's pixels as they are stored, and an EXIF
    orientation is ignored; else they are of the upright image. `flags` are int8 `[N]` by the name of the column,
    -1 unknown; `image_labels` are MIDs with their confidence. `file` is the image file, or its content, or None.
    `split` is train, validation or test, "" where that is unknown.
    """

    image_id: str
    labels: list[str]
    box: NDArray[np.float64]
    flags: Mapping[str, NDArray[np.int8]] = field(default_factory=dict)
    image_labels: list[tuple[str, float]] = field(default_factory=list)
    width: int = 0
    height: int = 0
    rotation: int | None = None
    file: Path | bytes | None = None
    split: str = ""

    def take(self, rows: NDArray[np.bool_]) -> "AnnotatedImage":
        """Select boxes."""
        return replace(
            self,
            labels=[label for label, kept in zip(self.labels, rows.tolist(), strict=True) if kept],
            box=self.box[rows],
            flags={name: values[rows] for name, values in self.flags.items()},
        )


@dataclass(slots=True, eq=False)
class AnnotatedSet:
    """A stream of annotated images, in the order of the source, and what is known before the first.

    `flags` are those that the source tells, `has_image_labels` whether it has labels of whole images, `has_attribution`
    whether it may name authors and licences, `splits` which ones its images are of. `findings` tells what was dropped
    or changed so far, by its subject.
    """

    classes: ClassList
    images: Iterator[AnnotatedImage]
    flags: tuple[str, ...] = ()
    has_image_labels: bool = False
    has_attribution: bool = False
    splits: tuple[str, ...] = ()
    findings: dict[str, Finding] = field(default_factory=dict)

    def sound(self) -> Iterator[AnnotatedImage]:
        """Yield the images without boxes and labels of unknown classes, and without invalid boxes.

        Raises ArgumentError for the name of an image that is no text or that two have, and at the end where there were
        boxes and no such one: what is made of them would be empty.
        """
        known = {item.mid for item in self.classes}
        read = kept = 0
        seen: set[str] = set()
        for image in self.images:
            _require_text(image.image_id)
            if image.image_id in seen:
                raise ArgumentError(f"two images are called {image.image_id!r}; expected names of their own")
            seen.add(image.image_id)
            ymin, xmin, ymax, xmax = image.box.T
            named = np.array([label in known for label in image.labels], bool)
            with np.errstate(invalid="ignore"):
                real = (np.abs(image.box) < _FARTHEST).all(axis=1) & (ymin <= ymax) & (xmin <= xmax)
            labels = [(mid, confidence) for mid, confidence in image.image_labels if mid in known]
            strangers = (label for label in image.labels if label not in known)
            self.count(_UNNAMED, (~named).sum(), strangers, level="warning")
            self.count(_UNNAMED_LABELS, len(image.image_labels) - len(labels), level="warning")
            self.count(_UNREAL, (named & ~real).sum(), [image.image_id], level="warning")
            rows = named & real
            read, kept = read + len(rows), kept + int(rows.sum())
            yield replace(image if rows.all() else image.take(rows), image_labels=labels)
        if read and not kept:
            raise ArgumentError(
                f"none of its {counted(read, 'box|es')} can be used: {'; '.join(self.notes('warning'))}"
            )

    def count(
        self,
        subject: str,
        number: int,
        examples: Iterable[str] = (),
        *,
        effect: str = "dropped",
        level: Level = "note",
    ) -> None:
        """Count items that are dropped, or to which `effect` applies, and keep the first examples.

        `subject` is inflected as by `counted`. A warning is a flaw in any format; what is ok matters only to who writes
        the set anew.
        """
        if number:
            finding = self.findings.setdefault(subject, Finding(subject, effect, level))
            finding.count += int(number)
            for example in examples:
                if len(finding.examples) == _EXAMPLES:
                    break
                if example not in finding.examples:
                    finding.examples.append(example)

    def add_findings(self, findings: Iterable[Finding]) -> None:
        """Add what was found in a part of the set."""
        for found in findings:
            self.count(found.subject, found.count, found.examples, effect=found.text, level=found.level)

    def notes(self, *levels: Level) -> list[str]:
        """List a line on each kind of findings; if levels are given, on those of these alone."""
        return [str(found) for found in self.findings.values() if found.level in levels or not levels]


def _require_text(image_id: str) -> None:
    """File names may hold bytes that are no UTF-8."""
    try:
        image_id.encode()
    except UnicodeEncodeError:
        raise ArgumentError(f"image {image_id!r}: a name that is not UTF-8; rename its files") from None
