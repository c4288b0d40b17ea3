"""Decoders of JPEG files: milliseconds of the processor on one thread, and how far pixels are from simplejpeg's.

    pip install 'PyTurboJPEG<2' opencv-python-headless imagecodecs      # what is missing is named and not measured
    python benchmarks/decoding.py --out decoding.json

The images of examples/ are enlarged to 640x480, 1024x768 and 4000x3000, and encoded in quality 90, with color in half
(4:2:0) and in full resolution (4:4:4); at 4000x3000 they are also repeated, which has more detail than most photos.
Compared in interleaved rounds:
- simplejpeg, its options, and Boxable's `decode`.
- Pillow, PyTurboJPEG (which needs libturbojpeg, on Debian the package libturbojpeg0), OpenCV and imagecodecs.
Then what an EXIF orientation adds to `decode`, and what another Python thread computes while each decodes: near 0 if
the decoder holds the GIL.
"""

import io
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import simplejpeg
from measure import Figure, arguments, figure, interleaved_ms, machine, report
from PIL import Image, features

from boxable.images.decode import decode

ROOT = Path(__file__).parent.parent
SIZES = {"640x480": (640, 480), "1024x768": (1024, 768), "4000x3000": (4000, 3000)}
LARGE = "4000x3000"
ORIENTATION = 0x0112
BASE = "simplejpeg"

Pixels = np.ndarray
Decode = Callable[[bytes], Pixels]


def encoded(image: Image.Image, subsampling: str = "4:2:0", orientation: int = 1) -> bytes:
    content, exif = io.BytesIO(), Image.Exif()
    if orientation > 1:
        exif[ORIENTATION] = orientation
    image.save(content, "JPEG", quality=90, subsampling=subsampling, **({"exif": exif} if orientation > 1 else {}))
    return content.getvalue()


def examples() -> list[Image.Image]:
    return [Image.open(path).convert("RGB") for path in sorted((ROOT / "examples").glob("*.png"))]


def photos(size: tuple[int, int]) -> list[Image.Image]:
    """Enlarge the example images."""
    return [image.resize(size, Image.Resampling.LANCZOS) for image in examples()]


def repeated(size: tuple[int, int]) -> list[Image.Image]:
    """Repeat each example image until it fills the size."""
    width, height = size
    tiled = [np.tile(image, (height // image.height + 1, width // image.width + 1, 1)) for image in examples()]
    return [Image.fromarray(pixels[:height, :width]) for pixels in tiled]


def pyturbojpeg() -> tuple[Decode, str]:
    import turbojpeg

    decoder = turbojpeg.TurboJPEG()
    return partial(decoder.decode, pixel_format=turbojpeg.TJPF_RGB), "of the system"


def opencv() -> tuple[Decode, str]:
    import cv2

    cv2.setNumThreads(1)
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    built = re.search(r"libjpeg-turbo \(ver ([\d.]+)", cv2.getBuildInformation())
    return lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), flags), built[1] if built else "unknown"


def imagecodecs() -> tuple[Decode, str]:
    import imagecodecs

    return imagecodecs.jpeg8_decode, imagecodecs.jpeg8_version().split()[-1]


def pillow() -> tuple[Decode, str]:
    return lambda data: np.asarray(Image.open(io.BytesIO(data))), str(features.version("libjpeg_turbo"))


def from_simplejpeg() -> tuple[Decode, str]:
    version = re.search(rb"libjpeg-turbo version ([\d.]+)", Path(simplejpeg._jpeg.__file__).read_bytes())
    return partial(simplejpeg.decode_jpeg, colorspace="RGB"), version[1].decode() if version else "unknown"


PEERS = {
    BASE: from_simplejpeg,
    "Pillow": pillow,
    "PyTurboJPEG": pyturbojpeg,
    "OpenCV": opencv,
    "imagecodecs": imagecodecs,
}


def peers() -> tuple[dict[str, Decode], dict[str, str]]:
    """Return the installed decoders, and what to say of each: its libjpeg-turbo, or that it is not installed."""
    ways, versions = {}, {}
    for name, make in PEERS.items():
        try:
            ways[name], version = make()
            versions[f"libjpeg-turbo of {name}:"] = version
        except (ImportError, RuntimeError) as error:  # RuntimeError: PyTurboJPEG without libturbojpeg
            versions[f"{name}:"] = f"not installed ({str(error).splitlines()[0]})"
    return ways, versions


def own_ways(size: tuple[int, int]) -> dict[str, Decode]:
    """Return the ways to call simplejpeg, and Boxable's."""
    again = np.empty((size[1], size[0], 3), np.uint8)
    return {
        "simplejpeg, same array again": partial(simplejpeg.decode_jpeg, colorspace="RGB", buffer=again),
        "simplejpeg, fastdct": partial(simplejpeg.decode_jpeg, colorspace="RGB", fastdct=True),
        "simplejpeg, fastupsample": partial(simplejpeg.decode_jpeg, colorspace="RGB", fastupsample=True),
        "Boxable": partial(decode, name="photo"),
    }


def processor_ms(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    return interleaved_ms(functions, rounds, warm_up=2, clock=time.process_time)


def compared(label: str, files: list[bytes], ways: dict[str, Decode], rounds: int) -> dict[str, Figure]:
    times = processor_ms({name: partial(_all, files, way) for name, way in ways.items()}, rounds)
    figures = {}
    for name, way in ways.items():
        figures[f"{label}: {name}"] = figure(times[name] / len(files), "ms")
        if name != BASE:
            far = max(int(np.abs(way(file).astype(int) - ways[BASE](file)).max()) for file in files)
            figures[f"{label}: {name} / {BASE}"] = figure(times[name] / times[BASE], "x")
            figures[f"{label}: {name}, largest difference"] = figure(far, "/255")
    return figures


def _all(files: list[bytes], run: Decode) -> None:
    for file in files:
        run(file)


def turned(size: tuple[int, int], rounds: int) -> dict[str, Figure]:
    """Measure what an EXIF orientation adds to Boxable's `decode`."""
    images = photos(size)
    files = {number: [encoded(image, orientation=number) for image in images] for number in (1, 3, 6, 8)}
    run = partial(decode, name="photo")
    times = processor_ms({str(number): partial(_all, content, run) for number, content in files.items()}, rounds)
    label = f"{size[0]}x{size[1]}, Boxable, EXIF orientation"
    return {f"{label} {name} / 1": figure(time_ms / times["1"], "x") for name, time_ms in times.items() if name != "1"}


def meanwhile(file: bytes, run: Decode) -> float:
    """Seconds that another Python thread computes in a second of decoding."""
    stop, seconds = threading.Event(), []

    def count() -> None:
        while not stop.is_set():
            pass
        seconds.append(time.thread_time())

    other = threading.Thread(target=count)
    start = time.thread_time()
    other.start()
    _all([file] * 10, run)
    busy = time.thread_time() - start
    stop.set()
    other.join()
    return seconds[0] / busy


def main() -> None:
    options = arguments(__doc__.splitlines()[0]).parse_args()
    ways, versions = peers()
    figures: dict[str, Figure] = {}
    for name, size in SIZES.items():
        rounds = max(options.rounds // 4, 5) if name == LARGE else options.rounds
        for subsampling in ("4:2:0", "4:4:4"):
            files = [encoded(image, subsampling) for image in photos(size)]
            figures |= compared(f"{name}, {subsampling}", files, ways | own_ways(size), rounds)
        figures |= turned(size, rounds)
    detailed = [encoded(image) for image in repeated(SIZES[LARGE])]
    ways_here = ways | own_ways(SIZES[LARGE])
    figures |= compared(f"{LARGE}, 4:2:0, repeated", detailed, ways_here, max(options.rounds // 4, 5))
    for name, way in ways.items():
        figures[f"another thread while {name} decodes"] = figure(meanwhile(detailed[0], way), "s/s")
    packages = ("boxable", "numpy", "simplejpeg", "pillow", "PyTurboJPEG", "opencv-python-headless", "imagecodecs")
    report(figures, machine(packages) | versions, options.out)


if __name__ == "__main__":
    main()
