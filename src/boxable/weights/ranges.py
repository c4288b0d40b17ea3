"""The ranges of activations of published networks that were calibrated for int8."""

import json
from importlib import resources

from boxable.errors import WeightsError
from boxable.networks.layers import Ranges


def ranges_of(digest: str, name: str) -> Ranges:
    """The ranges for the weights with this hash (SHA-256 of their file).

    Raises WeightsError where nobody has calibrated them.
    """
    shipped = resources.files("boxable.weights").joinpath(f"calibrated/{digest[:20]}.json")
    if not shipped.is_file():
        raise WeightsError(f"{name}: not calibrated for int8; use precision='fp32'")
    ranges = json.loads(shipped.read_text("utf-8"))["ranges"]
    return {tensor: (float(low), float(high)) for tensor, (low, high) in ranges.items()}
