"""The text of labels: a font that has its letters, its size in pixels, and what to leave out where room is short."""

import logging
from bisect import bisect_right
from functools import cache, lru_cache
from math import ceil
from typing import cast
from unicodedata import combining, normalize

from PIL import ImageFont

Font = ImageFont.FreeTypeFont

logger = logging.getLogger("boxable")

# Fonts with the letters of many scripts, by the names of their files on Linux, macOS and Windows.
SYSTEM_FONTS = (
    "NotoSans-Regular.ttf", "DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "NotoSansArabic-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf", "NotoSansThai-Regular.ttf", "wqy-microhei.ttc", "DroidSansFallbackFull.ttf",
    "Arial Unicode.ttf", "PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc",
    "arial.ttf", "msyh.ttc", "msgothic.ttc", "malgun.ttf", "Nirmala.ttf",
)  # fmt: skip
# The name of Pillow's own font here, and a size at which letters are looked for.
_OWN, _SOME_SIZE = "", 16
# No font has this character, so it is drawn as what is missing.
_MISSING = "\U0010ffff"


def label_text(label: str, size: int, width: int) -> tuple[str, Font]:
    """Choose text and font of a label: `size` pixels high letters, at most `width` pixels with its padding.

    Latin letters are those of Pillow's own font, without accents. Other text takes the font of `SYSTEM_FONTS` that has
    the most of its letters; "?" stands for letters that are missing. Where room is short the name is cut, never its
    last word, which is the score. The text is empty if nothing fits.
    """
    name, text = _OWN, _plain(label)
    if _missing(name, text):
        full = " ".join(normalize("NFC", label).split())
        choices = [(_OWN, text), *((name, full) for name in SYSTEM_FONTS if _path(name))]
        name, text = min(choices, key=lambda choice: len(_missing(*choice)))
        missing = _missing(name, text)
        if any(sign.isprintable() for sign in missing):
            _warn_once()
        text = "".join("?" if sign in missing else sign for sign in text)
    font = _font(name, size)
    return _fit(text, font, width), font


def padding(font: Font) -> int:
    """Return the pixels between the text of a label and its left or right edge."""
    return round(font.size * 0.4)


def label_size(text: str, font: Font) -> tuple[int, int]:
    """Measure the width and height of a label in pixels; zeros for no text."""
    return (ceil(font.getlength(text)) + 2 * padding(font), sum(font.getmetrics()) + 1) if text else (0, 0)


def _plain(label: str) -> str:
    """Normalize spaces and drop accents: Pillow's own font has no accented letters."""
    bare = "".join(sign for sign in normalize("NFD", label) if not combining(sign))
    return " ".join(normalize("NFC", bare).split())


def _fit(text: str, font: Font, width: int) -> str:
    room = width - 2 * padding(font)
    if font.getlength(text) <= room:
        return text
    name, space, score = text.rpartition(" ")
    name, end = (name, f"…{space}{score}") if name else (text, "…")
    kept = bisect_right(range(1, len(name)), room, key=lambda count: ceil(font.getlength(name[:count] + end)))
    return name[:kept].rstrip() + end if kept else ""


def _missing(name: str, text: str) -> list[str]:
    """List the letters of a text that a font does not have."""
    return [sign for sign in sorted(set(text)) if not _has(name, sign)]


@lru_cache(10_000)
def _has(name: str, sign: str) -> bool:
    if sign.isspace() or not sign.isprintable():
        return sign.isspace()
    font = _font(name, _SOME_SIZE)
    return bytes(font.getmask(sign)) != bytes(font.getmask(_MISSING))


@lru_cache(200)
def _font(name: str, size: int) -> Font:
    """Load an installed font by the name of its file, or Pillow's own."""
    return cast("Font", ImageFont.load_default(size)) if name == _OWN else ImageFont.truetype(_path(name) or name, size)


@cache
def _path(name: str) -> str | None:
    """Find the file of a font; None if it is not installed."""
    try:
        return str(ImageFont.truetype(name, _SOME_SIZE).path)
    except OSError:
        return None


@cache
def _warn_once() -> None:
    logger.warning("no font with all letters of the labels is installed; they have ? instead (install Noto Sans)")
