"""Calibrations for int8: those that ship with Boxable, and those that `boxable quantize` saved.

BOXABLE_HOME/calibrated/<first 20 of `weights_hash`>.json, and the same in this package: the calibration
(`networks.calibration`), and what int8 was measured to cost.
"""

import json
import math
import shlex
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from boxable.errors import WeightsError
from boxable.files import write_atomically
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
            f"({self.data}: {self.images} images, {self.classes} classes; {self.runtime})"
        )


@dataclass(frozen=True, slots=True)
class SavedCalibration:
    """A calibration, the number of images of its calibration set, and the accuracies measured (none if forced)."""

    calibration: Calibration
    images: int
    accuracies: tuple[Accuracy, ...]


def weights_hash(data: bytes) -> str:
    """SHA-256 of the weights alone in a .safetensors file, without what it says of its handle, classes and origin."""
    return sha256_of(data[8 + int.from_bytes(data[:8], "little") :])


def find_calibration(digest: str) -> SavedCalibration | None:
    """Find the calibration of the weights with this hash: the user's own, else the shipped one, else None.

    Raises WeightsError for a damaged file.
    """
    own = _file(digest)
    shipped = resources.files("boxable.weights").joinpath(f"calibrated/{own.name}")
    found = next((place for place in (own, shipped) if place.is_file()), None)
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


def calibration_of(digest: str, name: str) -> Calibration:
    """Return the calibration of the weights with this hash; `name` is what the user calls them.

    Raises WeightsError if there is none.
    """
    found = find_calibration(digest)
    if found is None:
        command = f"boxable quantize {shlex.quote(name)} --calibration DIR"
        raise WeightsError(f"{name}: not calibrated for int8; with a folder of images run: {command}")
    return found.calibration


def save_calibration(digest: str, name: str, saved: SavedCalibration) -> Path:
    """Save a calibration in BOXABLE_HOME, replacing one that is there; returns its file."""
    accuracy = [asdict(row) for row in saved.accuracies]
    content: dict[str, Any] = {"weights": digest, "model": name, "images": saved.images, "accuracy": accuracy}
    parts = [f'"{key}": {json.dumps(value)}' for key, value in content.items()]
    for key, tensors in saved.calibration.to_dict().items():
        lines = (f" {json.dumps(tensor)}: {json.dumps(values)}" for tensor, values in tensors.items())
        parts.append(f'"{key}": {{\n' + ",\n".join(lines) + "\n}")
    path = _file(digest)
    write_atomically(path, ("{\n" + ",\n".join(parts) + "\n}\n").encode())
    return path


def _file(digest: str) -> Path:
    return home() / "calibrated" / f"{digest[:20]}.json"


def _accuracy(row: dict[str, Any]) -> Accuracy:
    between = row["interval"]
    return Accuracy(**{**row, "interval": between and (float(between[0]), float(between[1]))})
