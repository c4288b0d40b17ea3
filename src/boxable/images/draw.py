"""Draw detections: boxes in the colors of their classes, and labels that do not hide each other.

Rectangles are in pixels here: left, top, right, bottom, where right and bottom are just outside.
"""

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from boxable.errors import ArgumentError
from boxable.images.label_places import Ints, place_labels
from boxable.images.label_text import Font, label_size, label_text, padding

Color = tuple[int, int, int]

BLACK, WHITE, SHADOW = (0, 0, 0), (255, 255, 255), (24, 24, 24)

# Vivid colors far from each other in OKLab, neighbours still farther, all with a text contrast above 5.5.
PALETTE = np.frombuffer(
    bytes.fromhex(
        "d2000f ffd269 00d287 693cff c369a5 0096d2 b4a51e 78ff1e e1a5ff b41ea5 ff961e 2d965a"
        "ff69e1 a5d20f f05a00 00f0ff 9687ff 00b400 ff0f96 b47800 96f0a5 00c3ff ff8796 d24bff"
    ),
    np.uint8,
).reshape(24, 3)
# Label ids of the classes that meet most: those of the 23-class network.
ONE_EACH = (
    40, 45, 55, 69, 97, 115, 121, 122, 128, 135, 136, 171,
    179, 243, 281, 286, 355, 404, 434, 446, 447, 499, 571,
)  # fmt: skip

# An image is enlarged until its short side has the first, but never so that its long side passes the second;
# so an enlarged image stays below a million pixels, however thin it is.
LEGIBLE_SHORT_SIDE, ENLARGED_LONG_SIDE = 160, 2000
# Height of text in small images; widest label, in heights of its text, where half of the image is less.
_LEAST_TEXT, _WIDE_LABEL = 13, 16
_MOST_PIXELS = 1000
# How many times the width of its outline the shorter side of a box is at least.
_LINES_A_SIDE = 6


def draw_boxes(
    image: NDArray[np.uint8],
    boxes: NDArray[np.float32],
    labels: Sequence[str],
    color_keys: Sequence[int],
    *,
    line_width: int | None = None,
    text_size: int | None = None,
    enlarge: bool = False,
) -> Image.Image:
    """Draw labelled boxes on a copy of `image`, uint8 `[H, W, 3]` RGB.

    `boxes` float32 `[N, 4]`: normalized ymin, xmin, ymax, xmax, the most important first. `labels` and `color_keys`
    (see `color_of`) have one item for each box; a label that is empty or has no free place is left off. `line_width`
    and `text_size` are pixels; None: as suits the image. With `enlarge` a small image comes back enlarged, so that its
    labels can be read. Raises ArgumentError for a size that is no whole number from 1 to 1000.
    """
    _check_pixels("line_width", line_width)
    _check_pixels("text_size", text_size)
    canvas = Image.fromarray(image)
    if len(boxes) == 0:
        return canvas
    if enlarge:
        canvas = _enlarge(canvas)
    suitable = max(_LEAST_TEXT, round(0.018 * (canvas.width * canvas.height) ** 0.5))
    size = text_size or suitable
    line = line_width or max(2, round(suitable / 8))
    edge = (line + 2) // 4

    room = min(canvas.width, max(canvas.width // 2, _WIDE_LABEL * size))
    texts = [label_text(label, size, room) for label in labels]
    sizes = np.array([label_size(*text) for text in texts])
    rects = _pixel_rects(boxes, canvas.size)
    # The dark edge of a box lies around its rectangle, that of a label inside its own: so they meet.
    places = place_labels(rects + np.array([-edge, 0, edge, 0]), sizes, canvas.size)
    colors = [color_of(key) for key in color_keys]
    labelled = [i for i, place in enumerate(places) if place.any()]

    pen = ImageDraw.Draw(canvas)
    for rect, color in reversed(list(zip(rects, colors, strict=True))):
        own = line_width or min(line, max(1, int((rect[2:] - rect[:2]).min()) // _LINES_A_SIDE))
        _draw_outline(pen, rect, color, own, (own + 2) // 4)
    for i in labelled:
        _draw_leader(pen, rects[i], places[i], colors[i], line, edge)
    for i in labelled:
        _draw_label(pen, places[i], *texts[i], colors[i], edge)
    return canvas


def _check_pixels(name: str, value: int | None) -> None:
    if value is not None and not (isinstance(value, int | np.integer) and 1 <= value <= _MOST_PIXELS):
        raise ArgumentError(f"{name}: expected a whole number of pixels from 1 to {_MOST_PIXELS}, got {value!r}")


def color_of(key: int) -> Color:
    """Return the RGB color of a label id, always the same.

    The classes in `ONE_EACH` have a palette color of their own. Other ids go round the palette: those less than
    24 apart are clearly different, and 26 rounds (624 ids) differ, if only a little.
    """
    if key in ONE_EACH:
        generation, index = 0, ONE_EACH.index(key)
    else:
        generation, index = key // len(PALETTE) + 1, key % len(PALETTE)
    color: Color = tuple(PALETTE[index].tolist())
    # Each further round goes another share of the way to white or black, whichever the text is not.
    share = generation * 11 % 27 / 27 * 0.3
    goal = WHITE if text_color_on(color) == BLACK else BLACK
    red, green, blue = (round(old + (new - old) * share) for old, new in zip(color, goal, strict=True))
    return red, green, blue


def text_color_on(color: Color) -> Color:
    """Choose black or white, whichever stands out more; the contrast ratio (WCAG 2) is at least 4.5."""
    red, green, blue = (c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return BLACK if luminance > 0.179 else WHITE


def _enlarge(canvas: Image.Image) -> Image.Image:
    """Enlarge a small image by a whole number; others are returned as they are."""
    short, long = sorted(canvas.size)
    factor = min(ceil(LEGIBLE_SHORT_SIDE / short), ENLARGED_LONG_SIDE // long)
    if factor < 2:
        return canvas
    return canvas.resize((canvas.width * factor, canvas.height * factor), Image.Resampling.BICUBIC)


def _pixel_rects(boxes: NDArray[np.float32], frame: tuple[int, int]) -> Ints:
    """Convert normalized boxes `[N, 4]` to rectangles int64 `[N, 4]` inside the frame (width, height), none empty."""
    clipped = np.nan_to_num(boxes.astype(np.float64), nan=0.0, posinf=1.0, neginf=0.0).clip(0, 1)
    corners = (clipped.reshape(-1, 2, 2)[..., ::-1] * frame).round().astype(np.int64)
    low = np.minimum(corners.min(axis=1), np.array(frame) - 1)
    return np.hstack([low, np.maximum(corners.max(axis=1), low + 1)])


def _draw_outline(pen: ImageDraw.ImageDraw, rect: Ints, color: Color, line: int, edge: int) -> None:
    left, top, right, bottom = rect.tolist()
    around = (left - edge, top - edge, right - 1 + edge, bottom - 1 + edge)
    pen.rectangle(around, outline=SHADOW, width=line + 2 * edge)
    pen.rectangle((left, top, right - 1, bottom - 1), outline=color, width=line)


def _draw_leader(pen: ImageDraw.ImageDraw, rect: Ints, place: Ints, color: Color, line: int, edge: int) -> None:
    """Draw a line from a box to its label, if they are apart."""
    start = ((place[:2] + place[2:]) // 2).clip(rect[:2], rect[2:] - 1)
    end = start.clip(place[:2], place[2:] - 1)
    if np.abs(end - start).max() > line:
        path = [*start.tolist(), *end.tolist()]
        pen.line(path, fill=SHADOW, width=line + 2 * edge)
        pen.line(path, fill=color, width=line)


def _draw_label(pen: ImageDraw.ImageDraw, place: Ints, text: str, font: Font, color: Color, edge: int) -> None:
    left, top, right, bottom = place.tolist()
    pen.rectangle((left, top, right - 1, bottom - 1), fill=color, outline=SHADOW, width=edge)
    baseline = top + font.getmetrics()[0]
    pen.text((left + padding(font), baseline), text, text_color_on(color), font, anchor="ls")
