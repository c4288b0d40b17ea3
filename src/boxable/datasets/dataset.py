"""`boxable.openimages.Dataset`: a data folder as (image, targets)."""

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.datasets.index import UNKNOWN_ROTATION, open_index
from boxable.datasets.layout import open_folder
from boxable.datasets.read_image import read_image
from boxable.datasets.rotation import rotate, rotate_boxes
from boxable.datasets.sampler import Sampler
from boxable.datasets.shard import Shard
from boxable.errors import ArgumentError
from boxable.findings import counted
from boxable.formats.openimages_reading import read_classes
from boxable.images.decode import Pixels
from boxable.vocabulary import ClassList, open_images

Flags = NDArray[np.int8]
LabelIds = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The ground truth of one image with `N` boxes.

    `boxes` float32 `[N, 4]`: ymin, xmin, ymax, xmax from 0 to 1 in the upright image. `label_ids` int32 `[N]` and
    `mids` `[N]`: their classes. `group_of`, `occluded`, `truncated`, `depiction`, `inside` int8 `[N]`: 1 yes, 0 no, -1
    unknown. `positive`, `negative` int32: sorted label ids of the positive (confidence 1) and negative (0) verified
    labels of the image, each once; all other classes are unverified.
    """

    image_id: str
    boxes: NDArray[np.float32]
    label_ids: LabelIds
    mids: tuple[str, ...]
    group_of: Flags
    occluded: Flags
    truncated: Flags
    depiction: Flags
    inside: Flags
    positive: LabelIds
    negative: LabelIds


class Dataset:
    """The images of a data folder: by number, by id, or in shards for training.

    The images are those in a table, sorted by id, whether their file exists or not. The tables are indexed once, in
    `BOXABLE_HOME`, and memory-mapped: RAM holds a few bytes an image. An instance can be shared between threads; in
    another process it is opened anew.
    """

    def __init__(self, folder: str | Path) -> None:
        """Open a folder with tables as Parquet, CSV or CSV.gz, and images in images/.

        Raises ArgumentError for a folder or table that cannot be used, BoxableError for what cannot be read or written,
        MissingExtraError without pyarrow.
        """
        self.path = Path(folder)
        self.files = open_folder(self.path)
        self.index = open_index(self.files)
        self.classes = _classes(self.files.classes, self.index.mids)
        ids = {item.mid: item.label_id for item in self.classes}
        self.label_ids = np.array([ids[mid] for mid in self.index.mids], np.int32)

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, place: int | str) -> tuple[Pixels, Targets]:
        """Load an image, uint8 RGB `[H, W, 3]`, upright, and its targets, by number or image id.

        Where Rotation is known, the stored pixels and the boxes are rotated by it, and EXIF orientation is ignored,
        because the boxes refer to the pixels as stored. Where it is not, EXIF orientation is applied, and boxes are as
        in the table. Raises IndexError for a number out of range, ArgumentError for an unknown id, ImageError for an
        image that is missing or damaged.
        """
        number = self._number(place)
        degrees = int(self.index.rotation[number])
        image = read_image(self.files, self.image_id(number), as_stored=degrees != UNKNOWN_ROTATION)
        return rotate(image, max(degrees, 0)), self.targets(number)

    def __repr__(self) -> str:
        return f"Dataset({str(self.path)!r}): {counted(len(self), 'image|s')}, {counted(len(self.index.box), 'box|es')}"

    def __reduce__(self) -> tuple[type["Dataset"], tuple[Path]]:
        return Dataset, (self.path,)

    def image_id(self, number: int) -> str:
        """Return the id of the image with this number."""
        text: str = self.index.ids[self._number(number)].as_py()
        return text

    def targets(self, place: int | str) -> Targets:
        """Return the targets of an image without loading it. Raises IndexError and ArgumentError as `[]` does."""
        number = self._number(place)
        index = self.index
        rows = slice(index.box_starts[number], index.box_starts[number + 1])
        own = slice(index.label_starts[number], index.label_starts[number + 1])
        codes = index.box_label[rows]
        occluded, truncated, group_of, depiction, inside = index.flags[rows].T.copy()
        confidence = index.confidence[own]
        labels = self.label_ids[index.image_label[own]]
        return Targets(
            self.image_id(number), rotate_boxes(index.box[rows], max(int(index.rotation[number]), 0)),
            self.label_ids[codes], tuple(index.mids[code] for code in codes.tolist()),
            group_of, occluded, truncated, depiction, inside,
            positive=np.unique(labels[confidence == 1]), negative=np.unique(labels[confidence == 0]),
        )  # fmt: skip

    def __iter__(self) -> Iterator[tuple[Pixels, Targets]]:
        """Iterate over the images in order; an unreadable one is logged and skipped."""
        return Shard(Sampler(len(self)), self.__getitem__, replace=False)

    def shards(
        self, count: int, *, seed: int | None = None, epoch: int = 0, consumed: int = 0, drop_last: bool = False
    ) -> list[Shard[tuple[Pixels, Targets]]]:
        """Partition an epoch among `count` ranks: all images once, each shard as long as the others, or one shorter.

        The order is a function of seed and epoch; without a seed, images are in order of their ids. `consumed` samples
        of that order are skipped, so that `dataset.shards(count, **state)` resumes from the `state` of a shard, with
        another count if need be. `drop_last` drops the last images where they would make lengths differ.
        Raises ArgumentError for an argument out of range.
        """
        if count < 1:
            raise ArgumentError(f"expected at least one shard, got {count}")
        options: Any = {"seed": seed, "epoch": epoch, "consumed": consumed, "drop_last": drop_last}
        return [Shard(Sampler(len(self), rank, count, **options), self.__getitem__) for rank in range(count)]

    def _number(self, place: int | str) -> int:
        if isinstance(place, str):
            found = self.index.find(place)
            if found is None:
                raise ArgumentError(f"{self.path}: no image {place!r} in its tables")
            return found
        number = operator.index(place)
        if not -len(self) <= number < len(self):
            raise IndexError(f"image {number} of {len(self)}")
        return number % len(self)


def _classes(table: Path | None, used: list[str]) -> ClassList:
    """Collect the classes that the folder names, then those that only its rows have; unknown ones are named by MID."""
    named = read_classes(table) if table else ClassList(())
    known = {item.mid for item in named}
    others = set(used) - known
    return ClassList.from_mids(
        [
            *((item.mid, item.name) for item in named),
            *((item.mid, item.name) for item in open_images() if item.mid in others),
            *((mid, mid) for mid in sorted(others.difference(item.mid for item in open_images()))),
        ]
    )
