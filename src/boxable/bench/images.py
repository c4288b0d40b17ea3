"""Images of a benchmark: the user's own, or synthetic ones."""

import io
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from boxable.errors import ArgumentError, ImageError
from boxable.files import write_atomically
from boxable.findings import counted
from boxable.images.decode import decode
from boxable.images.reading import read_file
from boxable.images.sources import Source, expand

logger = logging.getLogger("boxable")

# More would make a round long, and it is many rounds that make figures firm.
MOST = 32
DRAWN, SIZE, QUALITY = 8, (1024, 768), 90
# Spread of the detail on the 0..255 of a channel: files are then as large as those of photographs.
_DETAIL = 14


@dataclass(frozen=True, slots=True)
class BenchImages:
    """Files, the content of each, and a description."""

    files: list[Path]
    contents: list[bytes]
    title: str

    def first(self, count: int) -> "BenchImages":
        """Return the first of them."""
        title = f"{self.title}; the first {count} of them" if count > 1 else f"{self.title}; the first of them"
        return BenchImages(self.files[:count], self.contents[:count], title)


def collect_images(places: Iterable[Path]) -> BenchImages:
    """Collect the images of files and folders, at most 32 evenly spread. Raises ArgumentError for none."""
    found = list(expand(places))
    chosen = [found[number * len(found) // MOST] for number in range(MOST)] if len(found) > MOST else found
    files, contents, sizes = [], [], []
    for source in chosen:
        try:
            content = _content(source)
            height, width, _ = decode(content, source.name).shape
        except ImageError as error:
            logger.warning("%s", error)
            continue
        files.append(Path(source.name))
        contents.append(content)
        sizes.append((width, height))
    if not files:
        raise ArgumentError("expected files or folders with images to measure with, got none that can be read")
    width, height = sorted(sizes, key=lambda size: size[0] * size[1])[len(sizes) // 2]
    of_how_many = f"{len(files)} of " if len(found) > len(files) else ""
    return BenchImages(files, contents, f"{of_how_many}{counted(len(found), 'image|s')}, median size {width}x{height}")


def draw_images(folder: Path) -> BenchImages:
    """Write eight images with the detail of photographs; the same on every machine."""
    packed = resources.files("boxable.doctor").joinpath("recorded/chelsea_31x17.png").read_bytes()
    with Image.open(io.BytesIO(packed)) as image:
        cat = image.convert("RGB")
    files, contents = [], []
    for number in range(DRAWN):
        content = io.BytesIO()
        _image(cat, np.random.default_rng(number)).save(content, "JPEG", quality=QUALITY)
        files.append(folder / f"drawn-{number}.jpg")
        contents.append(content.getvalue())
        write_atomically(files[-1], contents[-1])
    width, height = SIZE
    return BenchImages(files, contents, f"{DRAWN} synthetic images, {width}x{height}, with few objects")


def _content(source: Source) -> bytes:
    if source.problem:
        raise ImageError(f"{source.name}: {source.problem}")
    if source.path is None:
        raise ImageError(f"{source.name}: expected files and folders")
    return read_file(source.path)


def _image(cat: Image.Image, random: np.random.Generator) -> Image.Image:
    """Enlarge a part of the image and add detail with the spectrum of photographs (1 / frequency)."""
    width, height = SIZE
    left, top = random.uniform(0, 3), random.uniform(0, 2)
    box = (left, top, left + random.uniform(26, 28), top + random.uniform(13, 15))
    large = np.asarray(cat.resize(SIZE, Image.Resampling.BICUBIC, box), np.float64)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf
    detail = np.fft.irfft2(np.fft.rfft2(random.normal(size=(height, width))) / frequency, (height, width))
    return Image.fromarray(np.clip(large + (_DETAIL / detail.std() * detail)[..., None], 0, 255).astype(np.uint8))
