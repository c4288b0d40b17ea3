"""Memory over many images of varying size: it must not grow.

    python benchmarks/soak.py --count 10000 --svg soak.svg

Forty synthetic JPEG files, from 40x30 to 3000x2000 pixels, go round and round through one `detector.stream`. The
resident memory is noted after every hundredth part; over the second half of the images its slope must be nil.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import boxable

FILES, SAMPLES = 40, 100
LARGEST, SMALLEST = (3000, 2000), (40, 30)
# A leak of one array of the least image, or of one result, in every image is more than that.
MOST_PER_IMAGE = 1024
BARS = " ▁▂▃▄▅▆▇█"


def jpegs() -> list[bytes]:
    """Files of very different sizes, upright and lying, in no order."""
    generator = np.random.default_rng(0)
    files = []
    for number in generator.permutation(FILES):
        share = (number / (FILES - 1)) ** 2
        size = [round(least + (most - least) * share) for least, most in zip(SMALLEST, LARGEST, strict=True)]
        coarse = Image.fromarray(generator.integers(0, 256, (24, 32, 3), np.uint8))
        content = io.BytesIO()
        coarse.resize(size[:: 1 if number % 3 else -1]).save(content, "JPEG", quality=88)
        files.append(content.getvalue())
    return files


def resident() -> int:
    """Bytes of memory that this process holds now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("soak.py reads /proc/self/status, which this system does not have")


def soak(images: int, **options: Any) -> Iterator[tuple[int, int]]:
    """Images done and bytes resident, time and again."""
    detector = boxable.load("ssd23", **options)
    step = max(1, images // SAMPLES)
    for number, found in enumerate(detector.stream(islice(cycle(jpegs()), images), min_score=0.3), start=1):
        if found.error:
            raise SystemExit(found.error)
        if number % step == 0:
            yield number, resident()


def slope(images: np.ndarray, held: np.ndarray) -> float:
    """Bytes an image, by least squares over the second half."""
    half = len(images) // 2
    return float(np.polyfit(images[half:], held[half:], 1)[0])


def sparkline(held: np.ndarray) -> str:
    """Draw memory over time as a line of characters."""
    return "".join(BARS[level] for level in (held / held.max() * (len(BARS) - 1)).round().astype(int))


def svg(images: np.ndarray, held: np.ndarray, title: str) -> str:
    """Draw memory over the number of images as SVG."""
    width, height, edge = 640, 240, 40
    x = edge + images / images.max() * (width - 2 * edge)
    y = height - edge - held / held.max() * (height - 2 * edge)
    points = " ".join(f"{left:.1f},{top:.1f}" for left, top in zip(x, y, strict=True))
    axes = f"M{edge},{edge} V{height - edge} H{width - edge}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/><text x="{edge}" y="20">{title}</text>'
        f'<path d="{axes}" fill="none" stroke="#999"/><polyline points="{points}" fill="none" stroke="#06c"/>'
        f'<text x="{edge}" y="{edge - 6}">{held.max() / 2**20:.0f} MB</text>'
        f'<text x="{width - edge}" y="{height - edge + 16}" text-anchor="end">{images.max()} images</text></svg>\n'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="how many (default: 10000)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads (default: one a core)")
    parser.add_argument("--runtime", default="onnxruntime", help="as of boxable.load (default: onnxruntime)")
    parser.add_argument("--precision", default="fp32", help="as of boxable.load (default: fp32)")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the course here")
    options = parser.parse_args()
    course = soak(options.count, threads=options.threads, runtime=options.runtime, precision=options.precision)
    images, held = np.array(list(course)).T
    growth = slope(images, held)
    title = f"resident memory, {growth:+.0f} bytes an image over the second half"
    print(f"{title}\n0 to {held.max() / 2**20:.0f} MB: {sparkline(held)}")
    if options.svg is not None:
        options.svg.write_text(svg(images, held, title))
    if growth > MOST_PER_IMAGE:
        sys.exit(f"memory grows by more than {MOST_PER_IMAGE} bytes an image")


if __name__ == "__main__":
    main()
