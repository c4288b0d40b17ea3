"""The layout of a data folder: the names of its files, and its description.

    DIR/
      annotations-bbox.parquet               one row a box, sorted by ImageID
      annotations-human-imagelabels.parquet  one row a label of a whole image, sorted by ImageID
      images.parquet                         one row an image
      difficult.parquet                      the boxes that Pascal VOC flags as difficult, if any
      classes.csv                            LabelName, DisplayName
      images/<ImageID>.jpg                   or another format that Boxable reads
      ledger.sqlite                          the state of every image of a fetch
      boxable-data.json                      the number of the layout, and how the folder was made

The tables may also be .csv or .csv.gz, under these names or those that Open Images publishes them by.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from boxable.errors import ArgumentError, BoxableError
from boxable.files import write_atomically
from boxable.formats import openimages_reading as reading
from boxable.formats.annotated.image_files import ImageFiles
from boxable.formats.columns import CLASSES as CLASSES
from boxable.formats.columns import SUBSETS as SUBSETS

LAYOUT = 1

BOXES = "annotations-bbox.parquet"
IMAGE_LABELS = "annotations-human-imagelabels.parquet"
IMAGES = "images.parquet"
DIFFICULT = "difficult.parquet"
IMAGE_FOLDER = "images"
LEDGER = "ledger.sqlite"
DESCRIPTION = "boxable-data.json"
# The value of `made_by` in the description of a fetched folder.
MADE_BY_FETCH = "boxable data fetch"


@dataclass(frozen=True)
class DataFolder:
    """The paths of the tables of a folder, None for missing ones, and its description, empty without one."""

    path: Path
    boxes: Path | None
    image_labels: Path | None
    images: Path | None
    classes: Path | None
    about: Mapping[str, Any] = field(default_factory=dict)
    is_one_table: bool = False

    @cached_property
    def image_files(self) -> ImageFiles:
        """Finds the images, which need not be in images/: beside the tables they are found too.

        The folder of a single table may hold anything, so only files beside it are its images.
        """
        return ImageFiles(self.path, nested=not self.is_one_table)


def open_folder(folder: Path) -> DataFolder:
    """Find the tables of a folder, as .parquet, .csv or .csv.gz.

    Raises ArgumentError where there is no such folder, where it has neither boxes nor images, or two tables where one
    is expected, and where it is of another layout.
    """
    if not folder.is_dir():
        what = "a file" if folder.exists() else "no such folder"
        raise ArgumentError(f"{folder}: {what}; expected a folder with {BOXES} (or .csv, .csv.gz)")
    about = read_description(folder)
    names = (reading.BOXES, reading.LABELS, reading.IMAGES, reading.CLASSES)
    boxes, image_labels, images, classes = (reading.find_table(folder, name) for name in names)
    found = DataFolder(folder, boxes, image_labels, images, classes, about)
    if found.boxes is None and found.images is None:
        if splits := find_splits(folder):
            raise ArgumentError(
                f"{folder}: no annotations in this folder itself, but in {', '.join(map(str, splits.values()))}; "
                "expected one of them, so take them one by one"
            )
        raise ArgumentError(
            f"{folder}: no annotations in this folder; expected {BOXES} (or .csv, .csv.gz), which "
            "`boxable data convert --to parquet` makes of COCO, YOLO, Pascal VOC and TFRecord"
        )
    return found


def find_splits(folder: Path) -> dict[str, Path]:
    """Find the data folders in this folder that are named after a split, as `boxable data split` makes them."""
    return {subset: folder / subset for subset in SUBSETS if reading.has_tables(folder / subset)}


def write_description(folder: Path, about: Mapping[str, Any]) -> None:
    """Write boxable-data.json: the number of the layout, then `about`."""
    content = {"layout": LAYOUT, **about}
    write_atomically(folder / DESCRIPTION, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def read_description(folder: Path) -> dict[str, Any]:
    """Read boxable-data.json; empty without one. Raises ArgumentError for another layout or invalid JSON."""
    path = folder / DESCRIPTION
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or error})") from error
    except (ValueError, RecursionError):
        raise ArgumentError(f"{path}: no JSON; remove it if the tables beside it are good") from None
    layout = content.get("layout") if isinstance(content, dict) else None
    if layout != LAYOUT:
        newer = isinstance(layout, int) and layout > LAYOUT
        raise ArgumentError(
            f"{folder}: a data folder of layout {layout!r}; this version reads and writes layout {LAYOUT}; "
            + ("update Boxable" if newer else "fetch or convert it again into a new folder")
        )
    return dict(content)
