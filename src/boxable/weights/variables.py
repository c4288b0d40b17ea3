"""Names of the variables in the files in which the detectors were published (SEMANTICS §12.2)."""

import logging
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import WeightsError
from boxable.findings import counted
from boxable.networks.architectures import ARCHITECTURES, recognize
from boxable.networks.network import Network

logger = logging.getLogger("boxable")

# Whatever stands before it (module/, import/, hub_input/, save/, ...), the name begins here.
_NAME = re.compile(
    r"(?:^|/)((?:FeatureExtractor/|BoxPredictor_\d+/|(?:First|Second)Stage(?:FeatureExtractor|BoxPredictor)/).+"
    r"|(?<!MobilenetV2/)Conv/(?:weights|biases))$"
)
_LEAVES = ("weights", "depthwise_weights", "biases", "gamma", "beta", "moving_mean", "moving_variance")
_TRAINING = re.compile(
    r"/(ExponentialMovingAverage|RMSProp(_\d+)?|Momentum|Adam(_\d+)?|Adagrad|Ftrl(_\d+)?)$"
    r"|(^|/)(global_step|beta[12]_power)$"
)


def canonical_name(name: str) -> str | None:
    """Strip the prefix of a variable's name; None if it is no weight of a detector."""
    match = _NAME.search(name)
    return match[1] if match and match[1].rpartition("/")[2] in _LEAVES else None


def detector_weights(found: Mapping[str, NDArray[Any]], name: str) -> tuple[Network, dict[str, NDArray[np.float32]]]:
    """Recognize the network of these variables, and name its weights.

    Variables of training (optimizer slots, moving averages, the step) are ignored and counted. Raises
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
        logger.info("ignored %s of training (optimizer slots, moving averages, step)", counted(ignored, "variable|s"))
    network = recognize({variable: values.shape for variable, values in weights.items()})
    if network is None:
        known = " or ".join(ARCHITECTURES)
        raise WeightsError(f"{name}: expected the variables of {known}, got {len(weights)} that do not fit")
    return network, weights
