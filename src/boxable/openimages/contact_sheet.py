"""Contact sheets: images of a data set with their boxes, as one image or one HTML page."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from boxable.datasets.dataset import Dataset
from boxable.errors import ArgumentError, ImageError
from boxable.files import atomic_file
from boxable.findings import counted
from boxable.images.decode import Pixels
from boxable.images.draw import color_of, draw_boxes
from boxable.images.label_text import label_text
from boxable.openimages.attribution import Attribution, attributions
from boxable.reports.embedded import jpeg_url
from boxable.reports.html_page import page, text
from boxable.vocabulary.selection import DATA_SET, select

logger = logging.getLogger("boxable")

PAGES, IMAGES = (".html", ".htm"), {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}

# Rows that are processed together.
_CHUNK_ROWS = 1 << 20
# Pixels: the long side of an image on the page; width of a tile, height of its caption, gap between tiles.
_ON_PAGE, _TILE, _CAPTION, _GAP = 640, 400, 26, 14
_QUALITY = 85
# Up to so many boxes of an image all have their label.
_ALL_LABELLED = 6
_PAPER, _INK = (255, 255, 255), (60, 60, 60)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An image in display size, and the boxes to draw: float32 `[N, 4]`, normalized; group-of flags."""

    image_id: str
    pixels: Pixels
    boxes: NDArray[np.float32]
    group_of: NDArray[np.int8]
    label_ids: list[int]
    names: list[str]
    attribution: Attribution


def show(dataset: Dataset, files: Iterable[Path], *, classes: str | None, count: int, seed: int) -> int:
    """Write a contact sheet to each file, as an image or a page by its suffix; return the number of images in it.

    They are a random sample of the images, with `classes` of the images with such a box, and only these boxes are
    drawn. Unreadable images are skipped. Raises ArgumentError for another suffix, and where no image is left;
    UnknownClassError for an unknown class; BoxableError where reading or writing fails.
    """
    files = list(files)
    for path in files:
        if path.suffix.lower() not in (*PAGES, *IMAGES):
            raise ArgumentError(f"{path}: expected a name that ends in {', '.join((*IMAGES, *PAGES))}")
    wanted = None if classes is None else {item.label_id for item in select(classes, dataset.classes, DATA_SET)}
    candidates = _images_with(dataset, wanted)
    if not len(candidates):
        raise ArgumentError(
            f"{dataset.path}: no image has a box of {classes}" if classes else f"{dataset.path}: no images"
        )
    images = dataset.files.image_files
    if next(iter(images), None) is None:
        raise ArgumentError(f"{dataset.path}: expected image files in {images.folder}, got none")
    shown = list(_sample(dataset, candidates, wanted, count, seed))
    if not shown:
        raise ArgumentError(
            f"{dataset.path}: none of {counted(len(candidates), 'image|s')} can be read; expected in {images.folder}"
        )
    made_by = attributions(dataset.files, [item.image_id for item in shown])
    shown = [replace(item, attribution=made_by.get(item.image_id, item.attribution)) for item in shown]
    title = f"{dataset.path.resolve().name}: {len(shown)} of {counted(len(candidates), 'image|s')}" + (
        f" with {classes}" if classes else ""
    )
    for path in files:
        with atomic_file(path) as file:
            if path.suffix.lower() in PAGES:
                file.write(_page(shown, title).encode())
            else:
                _sheet(shown).save(file, IMAGES[path.suffix.lower()], quality=_QUALITY)
    return len(shown)


def _sample(
    dataset: Dataset, candidates: NDArray[np.int32], wanted: set[int] | None, count: int, seed: int
) -> Iterator[Shown]:
    names = {item.label_id: item.name for item in dataset.classes}
    missing = 0
    for number in np.random.default_rng(seed).permutation(candidates).tolist():
        if not count:
            break
        try:
            pixels, targets = dataset[number]
        except ImageError as error:
            logger.debug("%s", error)
            missing += 1
            continue
        rows = [row for row, label in enumerate(targets.label_ids.tolist()) if wanted is None or label in wanted]
        label_ids = targets.label_ids[rows].tolist()
        boxes, group_of = targets.boxes[rows], targets.group_of[rows]
        # All of them are held in memory.
        small = np.asarray(_fit(Image.fromarray(pixels), (_ON_PAGE, _ON_PAGE)))
        texts = [names[label] for label in label_ids]
        yield Shown(targets.image_id, small, boxes, group_of, label_ids, texts, Attribution("", "", ""))
        count -= 1
    if missing:
        logger.info("skipped as missing or unreadable: %s", counted(missing, "image|s"))


def _images_with(dataset: Dataset, wanted: set[int] | None) -> NDArray[np.int32]:
    """Find the images with a box of these classes, or all images: positions int32."""
    if wanted is None:
        return np.arange(len(dataset), dtype=np.int32)
    index = dataset.index
    is_wanted = np.isin(dataset.label_ids, list(wanted))
    found = []
    for start in range(0, len(index.box_label), _CHUNK_ROWS):
        rows = start + np.flatnonzero(is_wanted[index.box_label[start : start + _CHUNK_ROWS]])
        found.append(np.unique(np.searchsorted(index.box_starts, rows, side="right") - 1).astype(np.int32))
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int32)


def _sheet(shown: list[Shown]) -> Image.Image:
    """Draw the images in a grid, each with its id."""
    columns = max(1, round((len(shown) * 4 / 3) ** 0.5))
    rows = ceil(len(shown) / columns)
    step = (_TILE + _GAP, _TILE * 3 // 4 + _CAPTION + _GAP)
    sheet = Image.new("RGB", (columns * step[0] + _GAP, rows * step[1] + _GAP), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for place, item in enumerate(shown):
        small = np.asarray(_fit(Image.fromarray(item.pixels), (_TILE, _TILE * 3 // 4)))
        drawn = _fit(
            draw_boxes(small, item.boxes, _labels(item), item.label_ids, enlarge=True), (_TILE, _TILE * 3 // 4)
        )
        left, top = (_GAP + number * size for number, size in zip(divmod(place, columns)[::-1], step, strict=True))
        sheet.paste(drawn, (left + (_TILE - drawn.width) // 2, top + (_TILE * 3 // 4 - drawn.height) // 2))
        caption, font = label_text(", ".join(filter(None, (item.image_id, item.attribution.author))), 14, _TILE)
        pen.text((left, top + _TILE * 3 // 4 + 4), caption, _INK, font)
    return sheet


def _labels(item: Shown) -> list[str]:
    """Label each box with its class; of many boxes only the first of a class, or labels would cover the image."""
    if len(item.names) <= _ALL_LABELLED:
        return item.names
    first = {name: place for place, name in reversed(list(enumerate(item.names)))}
    return [name if first[name] == place else "" for place, name in enumerate(item.names)]


def _page(shown: list[Shown], title: str) -> str:
    figures = "".join(_figure(item) for item in shown)
    about = "<p>A dashed box is around a group. Point at a box for its name.</p>"
    return page(title, f'{about}<div class="images">{figures}</div>')


def _figure(item: Shown) -> str:
    image = Image.fromarray(item.pixels)
    source = jpeg_url(image, _QUALITY)
    size = f'width="{image.width}" height="{image.height}"'
    boxes = "".join(
        _rectangle(box, image.size, label, name, dashed=group == 1)
        for box, label, name, group in zip(
            np.nan_to_num(item.boxes).tolist(), item.label_ids, item.names, item.group_of.tolist(), strict=True
        )
    )
    names = Counter(zip(item.names, item.label_ids, strict=True))
    key = "".join(
        f'<li><svg class="key" viewBox="0 0 1 1"><rect width="1" height="1" fill="{_hex(label)}"/></svg>{text(name)}'
        f"{f' × {count}' if count > 1 else ''}</li>"
        for (name, label), count in names.most_common()
    )
    return (
        f'<figure><svg viewBox="0 0 {image.width} {image.height}" role="img" aria-label="{text(item.image_id)}">'
        f'<image href="{source}" {size}/>{boxes}</svg>'
        f'<figcaption>{text(item.image_id)}<ul class="names">{key}</ul>{_credit(item.attribution)}</figcaption>'
        "</figure>"
    )


def _credit(attribution: Attribution) -> str:
    """Format author and licence, with links where they are URLs."""
    licence = re.sub(
        r"^https?://creativecommons\.org/licenses/([a-z-]+)/([\d.]+)/?$",
        lambda found: f"CC {found[1].upper()} {found[2]}",
        attribution.licence,
    )
    author = attribution.author or ("author unnamed" if attribution.address else "")
    parts = ((author, attribution.address), (licence, attribution.licence))
    return ", ".join(
        f'<a href="{text(address)}">{text(words)}</a>' if address.startswith(("https://", "http://")) else text(words)
        for words, address in parts
        if words
    )


def _rectangle(box: list[float], size: tuple[int, int], label: int, name: str, *, dashed: bool) -> str:
    ymin, xmin, ymax, xmax = (min(max(value, 0.0), 1.0) for value in box)
    left, right = sorted((xmin * size[0], xmax * size[0]))
    top, bottom = sorted((ymin * size[1], ymax * size[1]))
    place = f'x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"'
    dashes = ' stroke-dasharray="7 4"' if dashed else ""
    return (
        f'<rect class="under" {place}/><rect {place} stroke="{_hex(label)}"{dashes}><title>{text(name)}</title></rect>'
    )


def _fit(image: Image.Image, room: tuple[int, int]) -> Image.Image:
    """Shrink an image to fit into `room`, width and height; no side becomes 0."""
    scale = min(1.0, room[0] / image.width, room[1] / image.height)
    if scale == 1.0:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BICUBIC)


def _hex(label: int) -> str:
    return "#" + bytes(color_of(label)).hex()
