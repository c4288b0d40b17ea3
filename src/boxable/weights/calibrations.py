"""Calibrations for int8: those that ship with Boxable, and those that `boxable quantize` saved.

BOXABLE_HOME/calibrated/<first 20 of `weights_hash`>-<model>.json, and in this package without the model: the
calibration (`networks.calibration`), and what int8 was measured to cost. A calibration of the user's own belongs to one
model: another one with equal weights keeps its own, or the shipped one.
"""

import json
import math
import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from boxable.errors import WeightsError
from boxable.files import write_atomically
from boxable.findings import counted
from boxable.hashing import sha256_of
from boxable.networks.calibration import Calibration
from boxable.settings import home


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Mean AP (0 to 1) by the Challenge metric, in float32 and in int8, on images outside the calibration set.

    `interval` is the 95 % interval of the difference, from a paired bootstrap over images, or None.
    """

    data: str
    images: int
    classes: int
    runtime: str
    fp32: float
    int8: float
    interval: tuple[float, float] | None

    @property
    def loss(self) -> float:
        """In points of mean AP; negative where int8 is better."""
        return (self.fp32 - self.int8) * 100

    def __str__(self) -> str:
        low, high = (100 * bound for bound in self.interval or (math.nan, math.nan))
        between = f" [{low:+.2f}, {high:+.2f}]" if self.interval else ""
        return (
            f"mAP fp32 {self.fp32:.4f}, int8 {self.int8:.4f}: {(self.int8 - self.fp32) * 100:+.2f} points{between} "
            f"({self.data}: {counted(self.images, 'image|s')}, {counted(self.classes, 'class|es')}; {self.runtime})"
        )


@dataclass(frozen=True, slots=True)
class SavedCalibration:
    """A calibration, the number of images of its calibration set, and the accuracies measured (none if forced)."""

    calibration: Calibration
    images: int
    accuracies: tuple[Accuracy, ...]


@dataclass(frozen=True, slots=True)
class CalibrationKey:
    """What a calibration belongs to: the `weights_hash` and the `model`, as file names have it (`model_of`)."""

    weights: str
    model: str

    @property
    def path(self) -> Path:
        """The file of the user's own calibration, which need not exist."""
        return _folder() / f"{self.weights[:20]}-{self.model}.json"


def key_of(path: Path, data: bytes) -> CalibrationKey:
    """Return the key of the model in a .safetensors file, of which `data` is the content."""
    return CalibrationKey(weights_hash(data), model_of(path))


def model_of(path: Path) -> str:
    """Name a model in file names: an installed one by its handle, a user's file by the hash of its absolute path."""
    if path.parent.parent == home() / "models":
        return path.parent.name
    return f"_file-{sha256_of(os.fsencode(path.resolve()))[:16]}"  # a handle begins with a letter or digit


def weights_hash(data: bytes) -> str:
    """SHA-256 of the weights alone in a .safetensors file, without what it says of its handle, classes and origin."""
    return sha256_of(data[8 + int.from_bytes(data[:8], "little") :])


def find_calibration(key: CalibrationKey) -> SavedCalibration | None:
    """Find the calibration of a model: the user's own, else the one shipped for its weights, else None.

    Raises WeightsError for a damaged file.
    """
    shipped = resources.files("boxable.weights").joinpath(f"calibrated/{key.weights[:20]}.json")
    found = next((place for place in (key.path, shipped) if place.is_file()), None)
    if found is None:
        return None
    try:
        content = json.loads(found.read_text("utf-8"))
        accuracies = tuple(_accuracy(row) for row in content["accuracy"])
        return SavedCalibration(Calibration.from_dict(content), int(content["images"]), accuracies)
    except OSError as error:
        raise WeightsError(f"{found}: cannot read it ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WeightsError(f"{found}: not a readable calibration; run `boxable quantize` again") from None


def calibration_of(key: CalibrationKey, name: str) -> Calibration:
    """Return the calibration of a model; `name` is what the user calls it. Raises WeightsError if there is none."""
    found = find_calibration(key)
    if found is None:
        command = f"boxable quantize {shlex.quote(name)} --calibration DIR"
        raise WeightsError(f"{name}: not calibrated for int8; with a folder of images run: {command}")
    return found.calibration


def save_calibration(key: CalibrationKey, name: str, saved: SavedCalibration) -> Path:
    """Save a calibration in BOXABLE_HOME, replacing one that is there; returns its file."""
    accuracy = [asdict(row) for row in saved.accuracies]
    content: dict[str, Any] = {"weights": key.weights, "model": name, "images": saved.images, "accuracy": accuracy}
    parts = [f'"{key}": {json.dumps(value)}' for key, value in content.items()]
    for part, tensors in saved.calibration.to_dict().items():
        lines = (f" {json.dumps(tensor)}: {json.dumps(values)}" for tensor, values in tensors.items())
        parts.append(f'"{part}": {{\n' + ",\n".join(lines) + "\n}")
    write_atomically(key.path, ("{\n" + ",\n".join(parts) + "\n}\n").encode())
    return key.path


def own_calibrations(model: str) -> Iterator[Path]:
    """Yield the files of the user's own calibrations of a model (`model_of`), those of earlier weights included."""
    for path in sorted(_folder().glob("*.json")):
        if path.name[20:] == f"-{model}.json":
            yield path


def _folder() -> Path:
    return home() / "calibrated"


def _accuracy(row: dict[str, Any]) -> Accuracy:
    between = row["interval"]
    return Accuracy(**{**row, "interval": between and (float(between[0]), float(between[1]))})
