"""Fetching images: a second, and memory, from a server on this machine that answers after 20 ms; against img2dataset.

    python benchmarks/fetch.py --out fetch.json --img2dataset VENV/bin/img2dataset

The server is a process of its own, on the same cores, with JPEG files of 100 KB (1024x768, made of the images of
examples/). Measured are whole commands in processes of their own: start, tables, images, ledger. Each image is checked
against the server's MD5 and decoded. Peak memory is told for a fifth of the images and for all of them.

img2dataset is optional, and wants an environment of its own (it pins old versions): python -m venv VENV &&
VENV/bin/pip install img2dataset. It writes the files as they come, without resizing; it decodes none.
"""

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from measure import SETTLE_S, arguments, figure, machine, report
from PIL import Image

ROOT = Path(__file__).parent.parent
BYTES = 100_000


def photo_of(source: Path, size: int) -> bytes:
    """Make a JPEG of 1024x768 with this number of bytes, or a few less."""
    with Image.open(source) as image:
        picture = image.convert("RGB").resize((1024, 768))
    for quality in range(97, 1, -1):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        if file.tell() <= size:
            break
    # A comment fills it up to the size; it takes no time to decode.
    data, left = file.getvalue(), size - file.tell() - 4
    return data[:2] + b"\xff\xfe" + (left + 2).to_bytes(2) + bytes(left) + data[2:] if 0 < left < 65_000 else data


@contextmanager
def server(photos: list[Path], images: int) -> Iterator[str]:
    """Its address."""
    line = [sys.executable, str(ROOT / "benchmarks" / "fetch_server.py"), *map(str, photos), "--count", str(images)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


Took = tuple[float, float, float]


def timed(line: list[str], environment: dict[str, str]) -> Took:
    """Seconds, peak megabytes of its largest process, and seconds of processor time of a command."""
    start = time.perf_counter()
    process = subprocess.Popen(line, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{line[0]} failed: {said.decode()[-500:]}")
    return seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def boxable(address: str, folder: Path, count: int) -> Took:
    line = [sys.executable, "-m", "boxable", "data", "fetch", "--split", "validation", "--max-images", str(count)]
    environment = {
        "BOXABLE_HOME": str(folder / "home"),
        "BOXABLE_OPENIMAGES": f"{address}/tables",
        "BOXABLE_OPENIMAGES_IMAGES": f"{address}/images",
    }
    took = timed([*line, str(folder / "data")], environment)
    require_files(folder / "data" / "images", count)
    return took


def img2dataset(program: Path, address: str, folder: Path, count: int) -> Took:
    urls = folder / "urls.txt"
    urls.write_text("".join(f"{address}/images/validation/{number:016x}.jpg\n" for number in range(count)))
    line = [
        str(program), "--url_list", str(urls), "--input_format", "txt", "--output_folder", str(folder / "data"),
        "--output_format", "files", "--resize_mode", "no", "--skip_reencode", "True", "--processes_count", "2",
        "--thread_count", "48", "--number_sample_per_shard", "500", "--enable_wandb", "False",
    ]  # fmt: skip
    took = timed(line, {"NO_ALBUMENTATIONS_UPDATE": "1"})
    require_files(folder / "data", count)
    return took


def require_files(folder: Path, count: int) -> None:
    found = sum(1 for _ in folder.rglob("*.jpg"))
    if found != count:
        sys.exit(f"{folder}: {found} images, expected {count}")


def main() -> None:
    parser = arguments(__doc__)
    parser.set_defaults(rounds=3)
    parser.add_argument("--count", type=int, default=5000, metavar="N")
    parser.add_argument("--img2dataset", type=Path, metavar="PROGRAM", help="compare with it")
    options = parser.parse_args()
    few = options.count // 5
    contestants = {"Boxable": (boxable, options.count), "Boxable, a fifth of the images": (boxable, few)}
    if options.img2dataset:
        program = options.img2dataset
        contestants["img2dataset"] = (lambda *rest: img2dataset(program, *rest), options.count)
    took: dict[str, list[Took]] = {name: [] for name in contestants}
    with TemporaryDirectory() as scratch:
        photos = []
        for number, source in enumerate(sorted((ROOT / "examples").glob("*.png"))):
            photos.append(Path(scratch) / f"{number}.jpg")
            photos[-1].write_bytes(photo_of(source, BYTES))
        with server(photos, options.count) as address:
            for _ in range(options.rounds):
                for name, (run, count) in contestants.items():
                    time.sleep(SETTLE_S)
                    with TemporaryDirectory(dir=scratch) as folder:
                        took[name].append(run(address, Path(folder), count))
    rates = {name: contestants[name][1] / median(item[0] for item in took[name]) for name in took}
    peaks = {name: median(item[1] for item in took[name]) for name in took}
    costs = {name: median(item[2] for item in took[name]) * 1000 / contestants[name][1] for name in took}
    figures = {
        "Boxable: images a second": figure(rates["Boxable"], "/s", ">= 500"),
        "Boxable: processor time an image": figure(costs["Boxable"], "ms"),
        "Boxable: peak memory": figure(peaks["Boxable"], "MB"),
        "the same for a fifth of the images": figure(peaks["Boxable, a fifth of the images"], "MB"),
        "ratio of the two": figure(peaks["Boxable"] / peaks["Boxable, a fifth of the images"], "", "<= 1.15"),
    }
    if options.img2dataset:
        figures["img2dataset: images a second"] = figure(rates["img2dataset"], "/s")
        figures["img2dataset: processor time an image"] = figure(costs["img2dataset"], "ms")
        figures["img2dataset: peak memory of its largest process"] = figure(peaks["img2dataset"], "MB")
        figures["Boxable to img2dataset, in images a second"] = figure(rates["Boxable"] / rates["img2dataset"], "x")
    report(figures, machine(("obstore", "simplejpeg", "pyarrow")), options.out)


if __name__ == "__main__":
    main()
