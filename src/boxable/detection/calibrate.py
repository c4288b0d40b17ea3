"""Calibrate a network for int8: measure its activations on images."""

from collections.abc import Callable, Iterable
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

# Images that are read, and values of each tensor that are sampled of each, or of each of many runs for an image.
MAX_IMAGES, _SAMPLED, _SAMPLED_OF_ROWS = 200, 4000, 250
# Clipping ranges that are tried, as shares of the range between the lowest and the highest value.
_SHARES = np.linspace(0.5, 1.0, 26)


def calibrate(model: Model, images: Iterable[ImageLike]) -> tuple[Calibration, int]:
    """Measure the activations of a model on the first 200 of these images (files, folders, arrays).

    Returns the calibration and the number of images that could be read. Raises ArgumentError if that is none.
    """
    sources = list(islice(expand(images), MAX_IMAGES))
    graphs = model.network.graphs.values()
    with progress("calibrating", 2 * len(sources)) as advance:
        groups = [group for graph in graphs for group in linear_groups(graph)]
        peaks = _Peaks()
        if groups:
            names = [name for group in groups for name in group.tensors]
            _observe(model, model.weights, names, sources, peaks, advance)
        factors = {
            group.name: equalizing_factors(np.max([peaks.peaks[name] for name in group.tensors], axis=0))
            for group in groups
        }
        weights: Weights = model.weights
        for graph in graphs:
            weights = equalize(graph, weights, factors)
        names = list(dict.fromkeys(name for graph in graphs for name in quantized_tensors(graph)))
        ranges = _Ranges()
        count = _observe(model, weights, names, sources, ranges, advance)
    return Calibration(factors, ranges.ranges(), ranges.means()), count


class _Peaks:
    """The largest absolute value of each channel of tensors."""

    def __init__(self) -> None:
        self.peaks: dict[str, Floats] = {}

    def add(self, name: str, values: Floats, sample: int) -> None:
        peak = np.abs(values).max(axis=(0, 2, 3))
        self.peaks[name] = np.maximum(self.peaks.get(name, peak), peak)


class _Ranges:
    """The range and the channel means of tensors."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)
        self._ends: dict[str, tuple[float, float]] = {}
        self._samples: dict[str, list[Floats]] = {}
        self._sums: dict[str, NDArray[np.float64]] = {}

    def add(self, name: str, values: Floats, sample: int) -> None:
        low, high = self._ends.get(name, (0.0, 0.0))
        self._ends[name] = min(low, float(values.min())), max(high, float(values.max()))
        self._samples.setdefault(name, []).append(self._random.choice(values.ravel(), sample))
        if values.ndim == 4:  # not the table of a prediction layer, which no layer reads
            self._sums[name] = self._sums.get(name, np.zeros(())) + values.mean(axis=(0, 2, 3), dtype=np.float64)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Choose the clipping range of each tensor."""
        return {name: _best_range(*ends, np.concatenate(self._samples[name])) for name, ends in self._ends.items()}

    def means(self) -> dict[str, Floats]:
        return {name: (total / len(self._samples[name])).astype(np.float32) for name, total in self._sums.items()}


def _observe(
    model: Model, weights: Weights, names: list[str], sources: list[Source], observer: _Peaks | _Ranges,
    advance: Callable[[], None],
) -> int:  # fmt: skip
    """Show an observer these tensors, maps as `[N, channels, height, width]`, of every run of a graph.

    Returns the number of images that could be read. Raises ArgumentError if that is none.
    """
    network = model.network
    sessions, extra = {}, {}
    for name, graph in network.graphs.items():
        extra[name] = [op.name for op in graph.ops if op.name in names]
        built = build_onnx(graph, weights, model.description.to_metadata(), extra_outputs=extra[name])
        sessions[name] = open_session(built, model.handle, available_cores())

    def run(name: str, inputs: Any) -> dict[str, Floats]:
        wanted = [*network.graphs[name].outputs, *extra[name]]
        values = dict(zip(wanted, sessions[name].run(wanted, inputs), strict=True))
        maps = {key: array.transpose(0, 3, 1, 2) for key, array in inputs.items() if array.ndim == 4}
        seen = maps | {key: values[key] for key in extra[name]}
        sample = _SAMPLED if network.graphs[name].rows is None else _SAMPLED_OF_ROWS
        for key in names:
            if key in seen:
                observer.add(key, seen[key], sample)
        return values

    count = 0
    for source in sources:
        try:
            image = network.preprocess(source.pixels())
        except BoxableError:
            continue
        finally:
            advance()
        network.head.detect(run, image[None], PostprocessRules())
        count += 1
    if not count:
        raise ArgumentError("expected an image to calibrate with, got none that can be read")
    return count


def _best_range(low: float, high: float, sample: Floats) -> tuple[float, float]:
    """Find the clipping range with the least quantization error of a sample."""

    def error(share: float) -> float:
        scale = max((high - low) * share, 1e-6) / 255
        zero = round(-low * share / scale)
        dequantized = (np.clip(np.round(sample / scale) + zero, 0, 255) - zero) * scale
        return float(np.square(dequantized - sample).mean())

    best = min(_SHARES, key=error)
    return float(low * best), float(high * best)
