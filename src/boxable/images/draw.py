"""Draw detections: boxes in the colors of their classes, and labels that do not hide each other.

Rectangles are in pixels here: left, top, right, bottom, where right and bottom are just outside.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil
from typing import cast
from unicodedata import combining, normalize

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Font = ImageFont.FreeTypeFont
Ints = NDArray[np.int64]

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
    40,
    45,
    55,
    69,
    97,
    115,
    121,
    122,
    128,
    135,
    136,
    171,
    179,
    243,
    281,
    286,
    355,
    404,
    434,
    446,
    447,
    499,
    571,
)

# An image is enlarged until its short side has the first, but never so that its long side passes the second;
# so an enlarged image stays below a million pixels, however thin it is.
LEGIBLE_SHORT_SIDE, ENLARGED_LONG_SIDE = 160, 2000

# Places for a label, the best liked first. A row (a, b, c, d) puts the label's left edge at the box's left
# + a box widths + b label widths, and its top edge at the box's top + c box heights + d label heights.
SLIDES = (0, 1, 0.5, 0.25, 0.75)
TOUCHING = [
    *((slide, -slide, c, d) for c, d in ((0, -1), (0, 0), (1, 0), (1, -1)) for slide in SLIDES),
    *((a, b, slide, -slide) for a, b in ((1, 0), (0, -1), (0, 0), (1, -1)) for slide in SLIDES),
]
NEARBY = [(end, b / 2 - end, end, d - end) for end in (0, 1) for b in range(-5, 6) for d in range(-6, 7)]
PLACES = np.array(TOUCHING + NEARBY, np.float64)
# What speaks against a place, counted in label heights of distance from the box.
DISLIKE = np.concatenate([np.linspace(0, 1, len(TOUCHING)), np.full(len(NEARBY), 2.0)])
HIDDEN_MIDDLE = 5.0


def draw_boxes(
    image: NDArray[np.uint8], boxes: NDArray[np.float32], labels: Sequence[str], color_keys: Sequence[int]
) -> Image.Image:
    """Draw labelled boxes on a copy of `image`, uint8 `[H, W, 3]` RGB.

    `boxes` float32 `[N, 4]`: normalized ymin, xmin, ymax, xmax, the most important first. `labels` and
    `color_keys` (see `color_of`) have one item for each box. A small image comes back enlarged, so that
    its labels can be read; a label without a free place is left off.
    """
    canvas = Image.fromarray(image)
    if len(boxes) == 0:
        return canvas
    canvas = _enlarge(canvas)
    font = _font_for(canvas)
    line = max(2, round(font.size / 8))
    edge = (line + 2) // 4

    texts = [_fit(label, font, canvas.width) for label in labels]
    sizes = np.array([_label_size(text, font) for text in texts])
    rects = _pixel_rects(boxes, canvas.size)
    # The dark edge of a box lies around its rectangle, that of a label inside its own: so they meet.
    places = place_labels(rects + np.array([-edge, 0, edge, 0]), sizes, canvas.size)
    colors = [color_of(key) for key in color_keys]
    labelled = [i for i, place in enumerate(places) if place.any()]

    pen = ImageDraw.Draw(canvas)
    for rect, color in reversed(list(zip(rects, colors, strict=True))):
        _draw_outline(pen, rect, color, line, edge)
    for i in labelled:
        _draw_leader(pen, rects[i], places[i], colors[i], line, edge)
    for i in labelled:
        _draw_label(pen, places[i], texts[i], colors[i], font, edge)
    return canvas


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


def place_labels(boxes: Ints, sizes: Ints, frame: tuple[int, int]) -> Ints:
    """Find each label a place inside the frame that no other label has: rectangles int64 `[N, 4]`.

    `boxes` int64 `[N, 4]`: rectangles; the first chooses first. `sizes` int64 `[N, 2]`: widths and heights of
    the labels. `frame`: width and height of the image. A label that gets no place has four zeros.
    """
    places = np.zeros_like(boxes)
    middles = _middles(boxes)
    middle_areas = (middles[:, 2:] - middles[:, :2]).prod(axis=1)
    for i, (box, size) in enumerate(zip(boxes, sizes, strict=True)):
        if not size.all() or (size > frame).any():
            continue
        spots = _spots(box, size, frame)
        free = ~_overlaps(spots, places[:i]).any(axis=1)
        if free.any():
            spots = spots[free]
            hidden = (_overlaps(spots, middles) / middle_areas).sum(axis=1)
            cost = DISLIKE[free] + HIDDEN_MIDDLE * hidden + _gaps(spots, box) / size[1]
            places[i] = spots[cost.argmin()]
    return places


def _spots(box: Ints, size: Ints, frame: tuple[int, int]) -> Ints:
    """List the places to try for one label, moved into the frame: rectangles int64 `[K, 4]`."""
    corners = box[:2] + PLACES[:, 0::2] * (box[2:] - box[:2]) + PLACES[:, 1::2] * size
    corners = np.clip(corners.round().astype(np.int64), 0, frame - size)
    return np.hstack([corners, corners + size])


def _middles(boxes: Ints) -> Ints:
    """Compute the central half of each box, at least one pixel large: rectangles int64 `[N, 4]`."""
    quarter = (boxes[:, 2:] - boxes[:, :2]) // 4
    corners = boxes[:, :2] + quarter
    return np.hstack([corners, np.maximum(boxes[:, 2:] - quarter, corners + 1)])


def _overlaps(first: Ints, second: Ints) -> Ints:
    """Compute the areas `[K, M]` that rectangles `[K, 4]` and `[M, 4]` have in common."""
    left, top, right, bottom = first.T[..., None]
    width: Ints = np.minimum(right, second[:, 2]) - np.maximum(left, second[:, 0])
    height: Ints = np.minimum(bottom, second[:, 3]) - np.maximum(top, second[:, 1])
    return np.asarray(width.clip(0) * height.clip(0))


def _gaps(spots: Ints, box: Ints) -> NDArray[np.float64]:
    """Compute the pixels `[K]` between rectangles `[K, 4]` and the outline of a box `[4]`; 0 if they touch."""
    outside = np.maximum(box[:2] - spots[:, 2:], spots[:, :2] - box[2:]).clip(0)
    inside = np.hstack([spots[:, :2] - box[:2], box[2:] - spots[:, 2:]]).min(axis=1)
    return np.asarray(np.maximum(np.linalg.norm(outside, axis=1), inside))


def _enlarge(canvas: Image.Image) -> Image.Image:
    """Enlarge a small image by a whole number; others are returned as they are."""
    short, long = sorted(canvas.size)
    factor = min(ceil(LEGIBLE_SHORT_SIDE / short), ENLARGED_LONG_SIDE // long)
    if factor < 2:
        return canvas
    return canvas.resize((canvas.width * factor, canvas.height * factor), Image.Resampling.BICUBIC)


def _font_for(canvas: Image.Image) -> Font:
    """Load Pillow's own font, in a size that suits the image."""
    size = max(13, round(0.018 * (canvas.width * canvas.height) ** 0.5))
    return cast("Font", ImageFont.load_default(size))


def _padding(font: Font) -> int:
    return round(font.size * 0.4)


def _fit(label: str, font: Font, width: int) -> str:
    """Shorten a label with an ellipsis to `width` pixels; empty if nothing fits."""
    # Pillow's font has no accented letters.
    bare = "".join(sign for sign in normalize("NFD", label) if not combining(sign))
    text = " ".join(normalize("NFC", bare).split())
    room = width - 2 * _padding(font)
    if font.getlength(text) <= room:
        return text
    kept = bisect_right(range(1, len(text)), room, key=lambda count: ceil(font.getlength(text[:count] + "…")))
    return text[:kept] + "…" if kept else ""


def _label_size(text: str, font: Font) -> tuple[int, int]:
    """Measure the width and height of a label in pixels; zeros for no text."""
    return (ceil(font.getlength(text)) + 2 * _padding(font), sum(font.getmetrics()) + 1) if text else (0, 0)


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


def _draw_label(pen: ImageDraw.ImageDraw, place: Ints, text: str, color: Color, font: Font, edge: int) -> None:
    left, top, right, bottom = place.tolist()
    pen.rectangle((left, top, right - 1, bottom - 1), fill=color, outline=SHADOW, width=edge)
    baseline = top + font.getmetrics()[0]
    pen.text((left + _padding(font), baseline), text, text_color_on(color), font, anchor="ls")
