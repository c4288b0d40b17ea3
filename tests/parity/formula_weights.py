"""Weights of the 601-class network from a formula, since the official ones could not be recorded.

The original ran with these weights for the recording. Nothing is trained, but activations neither die out nor
saturate, and scores are spread over many classes. Integers from a hash of the variable's name, one multiplication and
one rounding to float32 give the same bits on every machine.
"""

import math
import zlib
from collections.abc import Callable, Mapping

import numpy as np

Floats = np.ndarray
Shape = tuple[int, ...]

STEPS = 2**19  # hashed integers are from -STEPS up to STEPS - 1
# Of what each convolution with batch norm gives, in network order.
VARIANCES = (
    0.17, 0.86, 3.6, 0.95, 1.6, 1.9, 1.2, 1.8, 3.5, 2.1, 1.8, 2.7, 1, 2.6, 3.7, 1.9, 2.3, 2.5, 2.8, 2.4, 2.7, 0.99, 2.9,
    3.1, 2.3, 2.6, 3, 3.1, 2.7, 2.8, 4.5, 2.4, 3.5, 1.1, 2.5, 2.7, 2, 2.6, 2.7, 3.4, 2.7, 2.9, 1.2, 2.7, 2.8, 2.4, 2.6,
    2.9, 3.5, 2.7, 2.9, 1.1, 3, 3.1, 3, 3, 3.1, 2.7, 2.8, 1.2,
)  # fmt: skip


def formula_weights(variables: Mapping[str, Shape]) -> dict[str, Floats]:
    """Make an array for each variable of `ssd_mobilenet_v2(601)`, in the order of the network."""
    normed = dict.fromkeys(_layer(name) for name in variables if not name.startswith("BoxPredictor"))
    variances = dict(zip(normed, VARIANCES, strict=True))
    return {
        name: (
            _predictor(name, shape)
            if name.startswith("BoxPredictor")
            else _normed(name, shape, variances[_layer(name)])
        ).astype(np.float32)
        for name, shape in variables.items()
    }


def _layer(name: str) -> str:
    return name.removesuffix("/" + name.rsplit("/", 1)[-1]).removesuffix("/BatchNorm")


def _normed(name: str, shape: Shape, variance: float) -> Floats:
    """Make a variable of a convolution with batch norm; a projection has no activation after it."""
    kind = name.rsplit("/", 1)[-1]
    if kind == "depthwise_weights":
        return _kernel(name, shape, math.sqrt(2.0 / (shape[0] * shape[1])), axes=(0, 1), balanced_eighths=5)
    if kind == "weights":
        return _kernel(name, shape, math.sqrt(2.0 / (shape[0] * shape[1] * shape[2])))
    is_projection = _layer(name).endswith("/project")
    makers: dict[str, Callable[[Floats], Floats]] = {
        "gamma": lambda x: 0.7 + 0.3 * x if is_projection else 1.3 + 0.5 * x,
        "beta": lambda x: 0.2 * x if is_projection else 1.8 + 1.0 * x,
        "moving_mean": lambda x: 0.3 * math.sqrt(variance) * x,
        "moving_variance": lambda x: variance * (1.0 + 0.4 * x),
    }
    return makers[kind](_uniform(name, shape))


def _predictor(name: str, shape: Shape) -> Floats:
    """Make a variable of a head; the class kernels of one cell's boxes have a part in common, as trained ones do."""
    is_box = "BoxEncodingPredictor" in name
    if name.endswith("/biases"):
        return _uniform(name, shape) * 0.5 if is_box else _uniform(name, shape) - 4.5
    scale = math.sqrt(1.0 / shape[2])
    own = _kernel(name, shape, (0.45 if is_box else 0.5) * scale)
    if is_box:
        return own
    boxes = 3 if name.startswith("BoxPredictor_0") else 6
    shared = _kernel(name + "#alike", (*shape[:3], shape[3] // boxes), 0.75 * scale)
    return own + np.tile(shared, boxes)


def _kernel(name: str, shape: Shape, deviation: float, *, axes: Shape = (0, 1, 2), balanced_eighths: int = 8) -> Floats:
    """Make a kernel of this standard deviation; so many eighths of each filter's mean are taken off."""
    values = _hashed(name, shape)
    taken = values.sum(axis=axes, keepdims=True) * balanced_eighths // (8 * math.prod(shape[axis] for axis in axes))
    return ((values - taken) * (math.sqrt(3.0) * deviation / STEPS)).astype(np.float32)


def _uniform(name: str, shape: Shape) -> Floats:
    """Make numbers from -1 to 1."""
    return _hashed(name, shape) / STEPS


def _hashed(name: str, shape: Shape) -> Floats:
    """Make int64 numbers from -STEPS to STEPS: the top 20 bits of SplitMix64, seeded with the CRC-32 of the name."""
    words = np.arange(math.prod(shape), dtype=np.uint64) + np.uint64(zlib.crc32(name.encode()) << 32)
    words = words * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words = (words ^ (words >> np.uint64(shift))) * np.uint64(factor)
    words ^= words >> np.uint64(31)
    return ((words >> np.uint64(44)).astype(np.int64) - STEPS).reshape(shape)
