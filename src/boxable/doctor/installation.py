"""Checks of an installation: packages, cache, models, a trial detection."""

import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

import boxable
from boxable.errors import BoxableError
from boxable.findings import Finding, Level, counted
from boxable.images.codecs import HEIF_EXTRA
from boxable.runtimes.measured import SPEEDS
from boxable.settings import available_cores, home, offline, processor_kind
from boxable.weights.cards import all_cards
from boxable.weights.store import installed

# Of each optional package what it is for, and what to install.
_OPTIONAL = {
    "openvino": ("--runtime openvino", "boxable[openvino]"),
    "ai-edge-litert": ("--runtime litert", "boxable[litert]"),
    "torch": ("--runtime torch", "boxable[torch]"),
    "pyarrow": ("boxable evaluate and boxable data", "boxable[data]"),
    "obstore": ("boxable data fetch", "boxable[data]"),
    "pyyaml": ("YOLO data sets", "boxable[data]"),
    "defusedxml": ("Pascal VOC data sets", "boxable[data]"),
    "pillow-heif": ("HEIC images", HEIF_EXTRA),
    "av": ("boxable video", "boxable[video]"),
    "trackers": ("boxable video --track", "boxable[track]"),
    "pandas": ("Detections.to_pandas", "pandas"),
    "supervision": ("Detections.to_supervision", "supervision"),
}
# Less is within what a measurement varies by.
_WORTH_NAMING = 1.05


def check_installation() -> Iterator[Finding]:
    """Check everything, dependencies first."""
    yield Finding("boxable", boxable.__version__)
    yield Finding(
        "python",
        f"{platform.python_version()} on {platform.platform()}, "
        f"{counted(available_cores(), 'core|s')} ({sys.executable})",
    )
    for package in _required():
        found = _version(package)
        yield Finding(package, found or f"missing; run: pip install {package}", "ok" if found else "error")
    for package, (use, requirement) in _OPTIONAL.items():
        found = _version(package)
        missing = f"not installed; for {use} run: pip install '{requirement}'"
        yield Finding(package, found or missing, "ok" if found else "note")
    yield from _speed()
    yield _cache()
    yield Finding("network", "BOXABLE_OFFLINE is set: never used" if offline() else "used to fetch weights when needed")
    npm = shutil.which("npm")
    yield Finding("npm", npm or "not installed; only tried when no download address answers", "ok" if npm else "note")
    for card in all_cards():
        here: Level = "ok" if installed(card.handle) else "note"
        yield Finding(
            card.alias, "installed" if here == "ok" else f"not installed; run: boxable models pull {card.alias}", here
        )
    if any(installed(card.handle) for card in all_cards()):
        yield _trial()


def _required() -> list[str]:
    """List the required packages."""
    names = (re.match(r"[\w.-]+", line) for line in requires("boxable") or () if "extra ==" not in line)
    return sorted(match[0] for match in names if match)


def _speed() -> Iterator[Finding]:
    """Say for each precision which runtime was the fastest on processors of this kind, and how to install it."""
    kind = processor_kind()
    speeds = SPEEDS.get(kind)
    if not speeds:
        yield Finding("speed", "not measured on this kind of processor; run: boxable bench --save", "note")
        return
    for precision in ("fp32", "int8"):
        name = max((name for name, able in speeds if able == precision), key=lambda name: speeds[name, precision])
        times = speeds[name, precision]
        if times < _WORTH_NAMING:
            yield Finding(f"{precision} speed", f"on processors with {kind}, onnxruntime is as fast as the others")
            continue
        said = f"on processors with {kind}, {name} was {times:.2f} times as fast as onnxruntime in fp32, the default"
        missing = [
            f"; to install it run: pip install '{extra}'"
            for package, (use, extra) in _OPTIONAL.items()
            if use == f"--runtime {name}" and not _version(package)
        ]
        yield Finding(f"{precision} speed", said + "".join(missing), "note" if missing else "ok")


def _cache() -> Finding:
    folder = home()
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.exists(place))
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Finding("cache", f"{folder} cannot be written to; name another folder in BOXABLE_HOME", "error")
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Finding(
        "cache", f"{folder} ({sum(files) / 1e6:.0f} MB in {counted(len(files), 'file|s')}; BOXABLE_HOME moves it)"
    )


def _trial() -> Finding:
    """Detect in a gray image with the model that a call without a name would take."""
    from boxable.detection.load import load  # draws in what was just looked for

    try:
        import numpy as np

        detector = load(next(card.handle for card in all_cards() if installed(card.handle)))
        image = np.full((300, 300, 3), 128, np.uint8)
        detector(image)
        start = time.perf_counter()
        detector(image)
        return Finding(
            "detection", f"works: {(time.perf_counter() - start) * 1000:.0f} ms an image with {detector.handle}"
        )
    except BoxableError as error:
        return Finding("detection", str(error), "error")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
