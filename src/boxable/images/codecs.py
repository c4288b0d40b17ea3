"""Open an encoded image: which decoders there are, which may be absent, and how to get them."""

import io
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile, UnidentifiedImageError, features

from boxable.errors import ImageError, MissingExtraError
from boxable.images.png_text import without_text

# Decoders of Pillow that run, and the suffixes of their files; no other decoder of Pillow runs.
_BY_PILLOW = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp", ".dib"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
}
_HEIF_SUFFIXES = (".heic", ".heif", ".hif")

SUFFIXES = (*(suffix for suffixes in _BY_PILLOW.values() for suffix in suffixes), *_HEIF_SUFFIXES)
FORMAT_NAMES = "JPEG, PNG, WebP, GIF, TIFF, BMP, PPM, AVIF, JPEG 2000 or HEIC"

# Image files that are never read; in a folder they are counted.
UNREAD_SUFFIXES = {
    suffix: name
    for name, suffixes in {
        "camera raw": ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .kdc .mef .mrw .nef .nrw .orf .pef .raf .raw .rw2 .rwl "
        ".sr2 .srf .srw .x3f",
        "JPEG XL": ".jxl",
        "JPEG XR": ".jxr .wdp .hdp",
        "SVG": ".svg .svgz",
        "Photoshop": ".psd .psb",
        "GIMP": ".xcf",
        "PDF": ".pdf",
        "PostScript": ".eps .ps .ai",
        "Windows metafile": ".emf .wmf",
        "icon": ".ico .icns .cur",
        "TGA": ".tga",
        "PCX": ".pcx",
        "DDS": ".dds",
        "OpenEXR": ".exr",
        "Radiance HDR": ".hdr",
        "QOI": ".qoi",
        "Silicon Graphics": ".sgi .rgb .rgba .bw",
        "PFM": ".pfm",
        "DICOM": ".dcm .dicom",
        "FITS": ".fits .fit .fts",
    }.items()
    for suffix in suffixes.split()
}

# Of ISO media files that hold images; the others hold video.
_IMAGE_BRANDS = (b"mif1", b"mif2", b"miaf", b"msf1")
# How the other videos begin: Matroska and WebM, MPEG (program and elementary streams), FLV, ASF.
_VIDEO_STARTS = (b"\x1a\x45\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV\1", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")
_TS_PACKET, _TS_SYNC = 188, 0x47
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
# What Pillow may have been built without: its own name of it, and that of the format.
_OPTIONAL = {"webp": "WebP", "avif": "AVIF", "jpg_2000": "JPEG 2000"}


def open_image(image: bytes | Path, name: str) -> ImageFile.ImageFile:
    """Open an encoded image; of a file only its header is read here.

    Raises ImageError, which begins with `name`, if the installed packages lack a decoder for it, and what Pillow raises
    for data that is damaged or no image.
    """
    head = _head(image)
    if _is_heif(head):
        return _heif_opener(name)(image if isinstance(image, Path) else io.BytesIO(image))  # type: ignore[no-any-return]
    feature = _optional_feature(head)
    if feature is not None and not features.check(feature):
        raise ImageError(
            f"{name}: the installed Pillow cannot read {_OPTIONAL[feature]}; run: pip install --upgrade pillow"
        )
    source = image if isinstance(image, Path) else io.BytesIO(without_text(image))
    try:
        return Image.open(source, formats=tuple(_BY_PILLOW))
    except UnidentifiedImageError:
        if feature is None:
            raise
        raise OSError(f"begins as {_OPTIONAL[feature]}") from None


def is_video(data: bytes) -> bool:
    """Tell whether this is the content of a video file, by how it begins."""
    if data[4:8] == b"ftyp":
        return not any(brand in _IMAGE_BRANDS for brand in _brands(data[:64]))
    if data[:4] == b"RIFF":
        return data[8:12] == b"AVI "
    is_ts = len(data) > _TS_PACKET and data[0] == data[_TS_PACKET] == _TS_SYNC
    return is_ts or data.startswith(_VIDEO_STARTS)


def suffix_of(data: bytes) -> str:
    """Return the usual suffix of an encoded image by its content; .jpg if its format is not known."""
    if _is_heif(data[:64]):
        return _HEIF_SUFFIXES[0]
    with suppress(Exception), open_image(data, "") as image:
        return _BY_PILLOW.get(image.format or "", (".jpg",))[0]
    return ".jpg"


def lacks_heif(suffix: str) -> bool:
    """Tell whether files with this suffix are HEIC, and its decoder is not installed."""
    if suffix not in _HEIF_SUFFIXES:
        return False
    try:
        _heif_opener("")
    except ImageError:
        return True
    return False


HEIF_EXTRA = "boxable[heif]"


def _heif_opener(name: str) -> Any:
    # Not by registering it with Pillow, whose other users would get another result then.
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise ImageError(f"{name}: {MissingExtraError('a HEIC image', HEIF_EXTRA)}") from None
    return HeifImageFile


def _head(image: bytes | Path) -> bytes:
    if isinstance(image, bytes):
        return image[:64]
    with image.open("rb") as file:
        return file.read(64)


def _is_heif(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and any(brand in _HEIF_BRANDS for brand in _brands(head))


def _optional_feature(head: bytes) -> str | None:
    """Return Pillow's name of the feature that reads files with this head; None for what it always reads."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and any(brand in (b"avif", b"avis") for brand in _brands(head)):
        return "avif"
    if head.startswith((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")):
        return "jpg_2000"
    return None


def _brands(head: bytes) -> list[bytes]:
    """List the brands of an ISO media file: the first, and those that it is compatible with."""
    end = min(int.from_bytes(head[:4]), len(head))
    return [head[8:12], *(head[place : place + 4] for place in range(16, end, 4))]
