"""What an int8 network must know of its activations, measured on images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Of the equalised network (`networks.equalize`), by the names that tensors have in the float graph.

    `factors`: what each channel of a linear layer was divided by, float32 `[channels]`, by the first layer that writes
    it. `ranges`: lowest and highest value of each tensor that is rounded. `means`: mean of each channel of the tensors
    that layers read, float32 `[channels]`.
    """

    factors: Mapping[str, NDArray[np.float32]]
    ranges: Mapping[str, tuple[float, float]]
    means: Mapping[str, NDArray[np.float32]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, rounded to what counts."""
        return {
            "factors": {name: _rounded(values, 4) for name, values in self.factors.items()},
            "ranges": {name: _rounded(values, 6) for name, values in self.ranges.items()},
            "means": {name: _rounded(values, 4) for name, values in self.means.items()},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Calibration":
        """Read `to_dict`'s values. Raises KeyError, TypeError or ValueError for what is none."""
        return cls(
            {name: np.array(values, np.float32) for name, values in content["factors"].items()},
            {name: (float(low), float(high)) for name, (low, high) in content["ranges"].items()},
            {name: np.array(values, np.float32) for name, values in content["means"].items()},
        )


def _rounded(values: NDArray[np.float32] | tuple[float, float], digits: int) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values]
