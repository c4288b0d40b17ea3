"""Small data folders, made for tests."""

import gzip
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

BOX_HEAD = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
)
LABEL_HEAD = "ImageID,Source,LabelName,Confidence"
CAT, DOG, PERSON = "/m/01yrx", "/m/0bt9lr", "/m/01g317"
CLASSES = f"LabelName,DisplayName\n{CAT},Cat\n{DOG},Dog\nuser/yeti,Yeti\n"


def box_row(image: str, mid: str = CAT, box: tuple[float, ...] = (0.1, 0.2, 0.5, 0.6), flags: str = "0,0,0,0,0") -> str:
    """A row of annotations-bbox.csv; `box` is ymin, xmin, ymax, xmax."""
    ymin, xmin, ymax, xmax = box
    return f"{image},xclick,{mid},1,{xmin},{xmax},{ymin},{ymax},{flags}"


def write_folder(
    folder: Path,
    boxes: Iterable[str],
    *,
    labels: Iterable[str] = (),
    images: Iterable[str] | None = None,
    classes: str | None = CLASSES,
    packed: bool = False,
) -> Path:
    """The tables of a data folder as CSV; rows of `images` are ImageID,Width,Height,Rotation."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"annotations-bbox": (BOX_HEAD, boxes), "annotations-human-imagelabels": (LABEL_HEAD, labels)}
    if images is not None:
        tables["images"] = ("ImageID,Width,Height,Rotation", images)
    for name, (head, rows) in tables.items():
        data = "".join(f"{line}\n" for line in (head, *rows)).encode()
        (folder / f"{name}.csv{'.gz' if packed else ''}").write_bytes(gzip.compress(data) if packed else data)
    if classes is not None:
        (folder / "classes.csv").write_text(classes)
    return folder


def photo(height: int = 24, width: int = 36, *, orientation: int | None = None) -> bytes:
    """A JPEG whose quarters are red, green (top), blue, white (bottom); the file may tell an EXIF orientation."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = 255, 0, 0
    pixels[: height // 2, width // 2 :] = 0, 255, 0
    pixels[height // 2 :, : width // 2] = 0, 0, 255
    pixels[height // 2 :, width // 2 :] = 255
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=95, exif=exif)
    return data.getvalue()


def copy_image_file(folder: Path, image: str, data: bytes | None = None) -> None:
    """Put an image where the data folder has it."""
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / f"{image}.jpg").write_bytes(photo() if data is None else data)
