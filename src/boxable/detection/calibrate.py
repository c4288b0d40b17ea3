"""Find the ranges of activations on photos: what an int8 network is rounded to."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, BoxableError
from boxable.images.resize import network_input
from boxable.images.sources import Picture, expand
from boxable.networks.int8 import measured_tensors
from boxable.networks.layers import Ranges
from boxable.networks.onnx_graph import build_onnx
from boxable.runtimes.onnx_runtime import OnnxRuntime
from boxable.settings import available_cores
from boxable.weights.model import Model

# Pictures that are looked at, and values of each tensor that are kept of each.
MOST_PICTURES, _KEPT = 200, 4000
# How much of the range between lowest and highest may be given up for finer steps.
_SHARES = np.linspace(0.5, 1.0, 26)


def calibrate(model: Model, pictures: Iterable[Picture]) -> tuple[Ranges, int]:
    """The range of each tensor on these pictures (files, folders, arrays), at most 200 of them, and how many it were.

    Of all ranges around zero the one with the least squared error of rounding. Raises ArgumentError where no picture
    can be read.
    """
    names = measured_tensors(model.network)
    graph = build_onnx(model.network, model.weights, model.description.to_metadata(), watched=names)
    runtime = OnnxRuntime(graph, model.handle, available_cores())
    random = np.random.default_rng(0)
    low, high = np.zeros(len(names)), np.zeros(len(names))
    samples: list[list[NDArray[np.float32]]] = [[] for _ in names]
    count = 0
    for image in _inputs(pictures, model.network.input_size):
        for place, values in enumerate(runtime.tensors(image[None], names)):
            low[place], high[place] = min(low[place], values.min()), max(high[place], values.max())
            samples[place].append(random.choice(values.ravel(), _KEPT))
        count += 1
    if not count:
        raise ArgumentError("no picture to calibrate with can be read")
    found = (_best_range(*item) for item in zip(low, high, map(np.concatenate, samples), strict=True))
    return dict(zip(names, found, strict=True)), count


def _inputs(pictures: Iterable[Picture], size: int) -> Iterable[NDArray[np.float32]]:
    read = 0
    for source in expand(pictures):
        if read == MOST_PICTURES:
            return
        try:
            pixels = source.pixels()
        except BoxableError:
            continue
        read += 1
        yield network_input(pixels, size)


def _best_range(low: float, high: float, sample: NDArray[np.float32]) -> tuple[float, float]:
    """The share of the range from low to high that rounds the sample best."""

    def error(share: float) -> float:
        scale = max((high - low) * share, 1e-6) / 255
        zero = round(-low * share / scale)
        rounded = (np.clip(np.round(sample / scale) + zero, 0, 255) - zero) * scale
        return float(np.square(rounded - sample).mean())

    best = min(_SHARES, key=error)
    return float(low * best), float(high * best)
