"""What the variables of the detector are called, in all the files in which they were published (SEMANTICS §12.2)."""

import logging
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import WeightsError
from boxable.networks.layers import Network
from boxable.networks.ssd_mobilenet_v2 import ssd_mobilenet_v2, with_class_outputs

logger = logging.getLogger("boxable")

# Whatever stands before it (module/, import/, hub_input/, save/, ...), the name begins here.
_NAME = re.compile(r"(?:^|/)((?:FeatureExtractor/|BoxPredictor_\d+/).+)$")
_LEAVES = ("weights", "depthwise_weights", "biases", "gamma", "beta", "moving_mean", "moving_variance")
_TRAINING = re.compile(
    r"/(ExponentialMovingAverage|RMSProp(_\d+)?|Momentum|Adam(_\d+)?|Adagrad|Ftrl(_\d+)?)$"
    r"|(^|/)(global_step|beta[12]_power)$"
)


def canonical_name(name: str) -> str | None:
    """The name of a variable without what stands before it; None if it is no weight of a detector."""
    match = _NAME.search(name)
    return match[1] if match and match[1].rpartition("/")[2] in _LEAVES else None


def detector_weights(found: Mapping[str, NDArray[Any]], name: str) -> tuple[Network, dict[str, NDArray[np.float32]]]:
    """The network and its weights among these variables.

    Leaves of training (optimiser slots, moving averages, the step) are left out and counted. Raises
    WeightsError, which begins with `name`, for another architecture and for a name that appears twice with
    different values. Missing, surplus and misshapen variables are for Model to refuse.
    """
    weights: dict[str, NDArray[np.float32]] = {}
    ignored = 0
    for full_name, values in found.items():
        if _TRAINING.search(full_name):
            ignored += 1
            continue
        match = _NAME.search(full_name)
        short = match[1] if match else full_name
        if short in weights and not np.array_equal(weights[short], values):
            raise WeightsError(f"{name}: {short} is there twice, with different values; expected one network")
        weights[short] = values
    if ignored:
        logger.info("left out %d variables of training (optimiser slots, moving averages, step)", ignored)
    return _network(weights, name), weights


def _network(weights: Mapping[str, NDArray[Any]], name: str) -> Network:
    """The architecture, and its number of classes by the shape of the first class head."""
    any_size = ssd_mobilenet_v2(1).feature_maps[0]
    biases = weights.get(f"{any_size.class_head.name}/biases")
    if biases is None or biases.ndim != 1:
        raise WeightsError(
            f"{name}: no {any_size.class_head.name}/biases among its {len(weights)} variables; "
            "expected an SSD MobileNetV2"
        )
    network = with_class_outputs(len(biases))
    if network is None:
        raise WeightsError(
            f"{name}: {any_size.class_head.name}/biases has {len(biases)} values; "
            f"expected {any_size.anchors_per_cell} times the number of classes plus 1"
        )
    return network
