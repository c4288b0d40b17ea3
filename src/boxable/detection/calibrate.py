"""Measure activations on photos: what an int8 network is rounded by."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, BoxableError
from boxable.images.resize import network_input
from boxable.images.sources import ImageLike, Source, expand
from boxable.networks.calibration import Calibration
from boxable.networks.equalize import equalized, equalizing_factors, streams
from boxable.networks.int8 import measured_tensors
from boxable.networks.layers import Weights
from boxable.networks.onnx_graph import build_onnx
from boxable.progress import progress
from boxable.runtimes.onnx_runtime import OnnxRuntime
from boxable.settings import available_cores
from boxable.weights.model import Model

Floats = NDArray[np.float32]

# Pictures that are looked at, and values of each tensor that are kept of each.
MOST_PICTURES, _KEPT = 200, 4000
# How much of the range between lowest and highest may be given up for finer steps.
_SHARES = np.linspace(0.5, 1.0, 26)


def calibrate(model: Model, pictures: Iterable[ImageLike]) -> tuple[Calibration, int]:
    """What is to know of a model's activations, from the first 200 of these pictures (files, folders, arrays), and
    how many of them could be read.

    Raises ArgumentError where none can be read.
    """
    sources = list(islice(expand(pictures), MOST_PICTURES))
    with progress("calibrating", 2 * len(sources)) as advance:
        factors = _factors(model, sources, advance)
        weights = equalized(model.network, model.weights, factors)
        ranges, means, count = _ranges_and_means(model, weights, sources, advance)
    return Calibration(factors, ranges, means), count


def _factors(model: Model, sources: list[Source], advance: Callable[[], None]) -> dict[str, Floats]:
    found = streams(model.network)
    tensors = [tensor for stream in found for tensor in stream.tensors]
    peaks: dict[str, Floats] = {}
    for values in _tensors(model, model.weights, tensors, sources, advance):
        for tensor, map_ in zip(tensors, values, strict=True):
            peak = np.abs(map_).max(axis=(0, 2, 3))
            peaks[tensor] = np.maximum(peaks.get(tensor, peak), peak)
    if not peaks:
        raise ArgumentError("no picture to calibrate with can be read")
    return {
        stream.name: equalizing_factors(np.max([peaks[tensor] for tensor in stream.tensors], axis=0))
        for stream in found
    }


def _ranges_and_means(
    model: Model, weights: Weights, sources: list[Source], advance: Callable[[], None]
) -> tuple[dict[str, tuple[float, float]], dict[str, Floats], int]:
    """The range and the channels' means of each tensor that int8 rounds, and the number of pictures."""
    names = measured_tensors(model.network)
    random = np.random.default_rng(0)
    low, high = np.zeros(len(names)), np.zeros(len(names))
    samples: list[list[Floats]] = [[] for _ in names]
    sums: list[NDArray[np.float64]] = [np.zeros(()) for _ in names]
    count = 0
    for found in _tensors(model, weights, names, sources, advance):
        count += 1
        for place, values in enumerate(found):
            low[place], high[place] = min(low[place], values.min()), max(high[place], values.max())
            samples[place].append(random.choice(values.ravel(), _KEPT))
            sums[place] = sums[place] + values.mean(axis=(0, 2, 3), dtype=np.float64)
    best = (_best_range(*item) for item in zip(low, high, map(np.concatenate, samples), strict=True))
    means = {
        name: (total / count).astype(np.float32)
        for name, total in zip(names, sums, strict=True)
        if not name.endswith("/convolved")  # no layer reads it
    }
    return dict(zip(names, best, strict=True)), means, count


def _tensors(
    model: Model, weights: Weights, names: list[str], sources: list[Source], advance: Callable[[], None]
) -> Iterator[list[Floats]]:
    """These tensors `[1, channels, height, width]` for each picture that can be read."""
    graph = build_onnx(model.network, weights, model.description.to_metadata(), watched=names)
    runtime = OnnxRuntime(graph, model.handle, available_cores())
    for source in sources:
        try:
            image = network_input(source.pixels(), model.network.input_size)
        except BoxableError:
            continue
        finally:
            advance()
        yield runtime.tensors(image[None], names)


def _best_range(low: float, high: float, sample: Floats) -> tuple[float, float]:
    """The share of the range from low to high that rounds the sample best."""

    def error(share: float) -> float:
        scale = max((high - low) * share, 1e-6) / 255
        zero = round(-low * share / scale)
        rounded = (np.clip(np.round(sample / scale) + zero, 0, 255) - zero) * scale
        return float(np.square(rounded - sample).mean())

    best = min(_SHARES, key=error)
    return float(low * best), float(high * best)
