"""Calibrations for int8: those that ship with Boxable, and those that `boxable quantize` kept.

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
    """Mean AP (0 to 1) by the rules of the Challenge, in float32 and in int8, on photos that were not calibrated with.

    `interval` is the 95 % one of the difference, from a paired bootstrap over photos; None where there is none.
    """

    data: str
    photos: int
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
            f"({self.data}: {self.photos} photos, {self.classes} classes; {self.runtime})"
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A calibration as it is kept: how many pictures it was made with, and what was measured (nothing if forced)."""

    calibration: Calibration
    pictures: int
    accuracies: tuple[Accuracy, ...]


def weights_hash(data: bytes) -> str:
    """SHA-256 of the weights alone in a .safetensors file, without what it says of its handle, classes and origin."""
    return sha256_of(data[8 + int.from_bytes(data[:8], "little") :])


def kept_calibration(digest: str) -> Kept | None:
    """What is known of the weights with this hash: the user's own calibration, else the shipped one, else None.

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
        return Kept(Calibration.from_dict(content), int(content["pictures"]), accuracies)
    except OSError as error:
        raise WeightsError(f"{found}: cannot read it ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WeightsError(f"{found}: no calibration that can be read; run `boxable quantize` again") from None


def calibration_of(digest: str, name: str) -> Calibration:
    """The calibration for the weights with this hash, which the user calls by this name.

    Raises WeightsError where nobody has calibrated them.
    """
    found = kept_calibration(digest)
    if found is None:
        command = f"boxable quantize {shlex.quote(name)} --calibration DIR"
        raise WeightsError(f"{name}: not calibrated for int8; with a folder of photos run: {command}")
    return found.calibration


def keep(digest: str, name: str, kept: Kept) -> Path:
    """Keep a calibration in BOXABLE_HOME, in place of one that was there; returns its file."""
    accuracy = [asdict(row) for row in kept.accuracies]
    content: dict[str, Any] = {"weights": digest, "model": name, "pictures": kept.pictures, "accuracy": accuracy}
    parts = [f'"{key}": {json.dumps(value)}' for key, value in content.items()]
    for key, tensors in kept.calibration.to_dict().items():
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
