"""Annotated sets for training: each image has a content of its own."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from boxable.datasets.hash_split import is_validation
from tests.openimages.made import CAT, DOG, box, write_csv, write_set

# Half of them are for validation by their hash.
NAMES = [f"i{number:02}" for number in range(10)]
VALIDATION = [name for name in NAMES if is_validation(name)]
TRAIN = [name for name in NAMES if not is_validation(name)]
# XMin, XMax, YMin, YMax on whole pixels, which every format can hold.
SIDES = (0.125, 0.5, 0.25, 0.75)
BOXES = [box(name, mid, SIDES) for name in NAMES for mid in (CAT, DOG)]


def write_photo(path: Path, number: int) -> Path:
    """An image of 16x8 pixels that no other number has."""
    pixels = np.random.default_rng(number).integers(0, 256, (8, 16, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def training_set(
    folder: Path,
    boxes: Iterable[Sequence[object]] = BOXES,
    labels: Iterable[Sequence[object]] | None = None,
    subset: Callable[[str], str] | None = None,
) -> Path:
    """A data folder of CSV tables with the images of its boxes; `subset` names the split of an image."""
    rows = [*boxes]
    write_set(folder, rows, labels, photos=False)
    names = sorted({str(row[0]) for row in rows})
    for number, name in enumerate(names):
        write_photo(folder / "images" / f"{name}.jpg", number)
    if subset:
        write_csv(folder / "images.csv", ("ImageID", "Subset"), ((name, subset(name)) for name in names))
    return folder
