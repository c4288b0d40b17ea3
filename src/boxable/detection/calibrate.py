"""Calibrate a network for int8: measure its activations on images."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats
from boxable.errors import ArgumentError, BoxableError
from boxable.images.sources import ImageLike, Source, expand
from boxable.networks.calibration import Calibration
from boxable.networks.equalize import equalize, equalizing_factors, linear_groups
from boxable.networks.heads.rules import PostprocessRules
from boxable.networks.int8_backend import quantized_tensors
from boxable.networks.onnx_graph import build_onnx
from boxable.networks.walk import Weights
from boxable.progress import progress
from boxable.runtimes.onnx_runtime import open_session
from boxable.settings import available_cores
from boxable.weights.model import Model

# Images that are read, and values of each tensor that are sampled of each.
MAX_IMAGES, _SAMPLED = 200, 4000
# Clipping ranges that are tried, as shares of the range between the lowest and the highest value.
_SHARES = np.linspace(0.5, 1.0, 26)


def calibrate(model: Model, images: Iterable[ImageLike]) -> tuple[Calibration, int]:
    """Measure the activations of a model on the first 200 of these images (files, folders, arrays).

    Returns the calibration and the number of images that could be read. Raises ArgumentError if that is none.
    """
    sources = list(islice(expand(images), MAX_IMAGES))
    with progress("calibrating", 2 * len(sources)) as advance:
        factors = _factors(model, sources, advance)
        weights: Weights = model.weights
        for graph in model.network.graphs.values():
            weights = equalize(graph, weights, factors)
        ranges, means, count = _ranges_and_means(model, weights, sources, advance)
    return Calibration(factors, ranges, means), count


def _factors(model: Model, sources: list[Source], advance: Callable[[], None]) -> dict[str, Floats]:
    groups = [group for graph in model.network.graphs.values() for group in linear_groups(graph)]
    peaks: dict[str, Floats] = {}
    for tensors in _activations(
        model, model.weights, [name for group in groups for name in group.tensors], sources, advance
    ):
        for name, values in tensors.items():
            peak = np.abs(values).max(axis=(0, 2, 3))
            peaks[name] = np.maximum(peaks.get(name, peak), peak)
    if groups and not peaks:
        raise ArgumentError("expected an image to calibrate with, got none that can be read")
    return {group.name: equalizing_factors(np.max([peaks[name] for name in group.tensors], axis=0)) for group in groups}


def _ranges_and_means(
    model: Model, weights: Weights, sources: list[Source], advance: Callable[[], None]
) -> tuple[dict[str, tuple[float, float]], dict[str, Floats], int]:
    """Measure the range and the channel means of each tensor to quantize; returns the number of images too."""
    names = [name for graph in model.network.graphs.values() for name in quantized_tensors(graph)]
    random = np.random.default_rng(0)
    low, high = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    samples: dict[str, list[Floats]] = {name: [] for name in names}
    sums: dict[str, NDArray[np.float64]] = {name: np.zeros(()) for name in names}
    count = 0
    for tensors in _activations(model, weights, names, sources, advance):
        count += 1
        for name, values in tensors.items():
            low[name], high[name] = min(low[name], float(values.min())), max(high[name], float(values.max()))
            samples[name].append(random.choice(values.ravel(), _SAMPLED))
            if values.ndim == 4:  # not the table of a prediction layer, which no layer reads
                sums[name] = sums[name] + values.mean(axis=(0, 2, 3), dtype=np.float64)
    if not count:
        raise ArgumentError("expected an image to calibrate with, got none that can be read")
    ranges = {name: _best_range(low[name], high[name], np.concatenate(samples[name])) for name in names}
    means = {name: (total / count).astype(np.float32) for name, total in sums.items() if total.ndim}
    return ranges, means, count


def _activations(
    model: Model, weights: Weights, names: list[str], sources: list[Source], advance: Callable[[], None]
) -> Iterator[dict[str, Floats]]:
    """Yield these tensors `[N, channels, height, width]` for each image that can be read."""
    network = model.network
    sessions, extra = {}, {}
    for name, graph in network.graphs.items():
        extra[name] = [op.name for op in graph.ops if op.name in names]
        built = build_onnx(graph, weights, model.description.to_metadata(), extra_outputs=extra[name])
        sessions[name] = open_session(built, model.handle, available_cores())
    recorded: dict[str, list[Floats]] = {}

    def run(graph: str, inputs: Any) -> dict[str, Floats]:
        outputs = list(network.graphs[graph].outputs)
        values = dict(
            zip([*outputs, *extra[graph]], sessions[graph].run([*outputs, *extra[graph]], inputs), strict=True)
        )
        maps = {name: values.transpose(0, 3, 1, 2) for name, values in inputs.items() if values.ndim == 4}
        for tensor, recording in (maps | {tensor: values[tensor] for tensor in extra[graph]}).items():
            recorded.setdefault(tensor, []).append(recording)
        return values

    for source in sources:
        try:
            image = network.preprocess(source.pixels())
        except BoxableError:
            continue
        finally:
            advance()
        recorded.clear()
        network.head.detect(run, image[None], PostprocessRules())
        yield {name: np.concatenate(recorded[name]) for name in names if name in recorded}


def _best_range(low: float, high: float, sample: Floats) -> tuple[float, float]:
    """Find the clipping range with the least quantization error of a sample."""

    def error(share: float) -> float:
        scale = max((high - low) * share, 1e-6) / 255
        zero = round(-low * share / scale)
        dequantized = (np.clip(np.round(sample / scale) + zero, 0, 255) - zero) * scale
        return float(np.square(dequantized - sample).mean())

    best = min(_SHARES, key=error)
    return float(low * best), float(high * best)
