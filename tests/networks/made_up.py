"""Two made-up architectures that use every operation, and a plain NumPy backend to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from boxable.arrays import Floats
from boxable.boxes import decode
from boxable.networks.heads import Runner
from boxable.networks.heads.nms import logit, multiclass_nms, sigmoid
from boxable.networks.heads.rules import NmsResult, PostprocessRules
from boxable.networks.heads.ssd import SsdHead
from boxable.networks.network import ClassColumns, Graph, Network
from boxable.networks.ops import Activation, Add, Bias, Concat, Conv, Dense, Op, Pool, Predict, SpatialMean, Window
from boxable.networks.preprocess import Preprocess
from boxable.networks.walk import Weights, bias_of, fold


def branches(num_classes: int) -> Network:
    """One stage: two branches, both poolings, a 1x7 kernel, dilation, VALID padding and a scaled residual."""
    ops: list[Op] = [
        Conv("Stem", "images", 8, Window((3, 3), 2, padding="VALID"), activation="relu"),
        Conv("Left/1x7", "Stem", 8, Window((1, 7)), "batch_without_gamma", "relu"),
        Conv("Left/7x1", "Left/1x7", 8, Window((7, 1), dilation=2), "batch_without_gamma", "relu"),
        Pool("Right/pool", "Stem", "average", Window((3, 3))),
        Conv("Right/1x1", "Right/pool", 8, activation="relu6"),
        Concat("Joined", ("Left/7x1", "Right/1x1")),
        Conv("Residual", "Joined", 16, norm=None, scale=0.17),
        Add("Block", ("Residual", "Joined"), "relu"),
        Pool("Small", "Block", "max", Window((3, 3), 2, padding="VALID")),
        Conv("Depthwise", "Small", None, Window((3, 3), 2), activation="relu6"),
        Predict("Boxes", "Depthwise", 2, 4),
        Predict("Classes", "Depthwise", 2, num_classes + 1),
    ]
    outputs = {"box_encodings": "Boxes", "class_logits": "Classes"}
    graph = Graph(tuple(ops), {"images": (63, 47, 3)}, outputs)
    rows = graph.shapes["Boxes"][0] or 0
    corners = np.random.default_rng(5).uniform(0, 0.6, (rows, 2)).astype(np.float32)
    anchors = np.concatenate([corners, corners + np.float32(0.4)], axis=1)
    columns = {"Classes": ClassColumns()}
    layers = tuple(layer.name for layer in graph.layers)
    return Network(
        "branches", num_classes, {"one": graph}, Preprocess((63, 47)), SsdHead("one", anchors), columns,
        {"head": ("Boxes", "Classes"), "all": layers}, dict.fromkeys(layers, 0.1),
    )  # fmt: skip


def two_stages(num_classes: int) -> Network:
    """Two stages with the crops of proposals between them; images keep their aspect ratio."""
    first = Graph(
        (
            Conv("First/features", "images", 12, Window((3, 3), 2), activation="relu"),
            Pool("First/pooled", "First/features", "max", Window((3, 3), 2)),
            Predict("First/objectness", "First/pooled", 1, 2),
        ),
        {"images": (None, None, 3)},
        {"features": "First/pooled", "objectness": "First/objectness"},
    )
    second = Graph(
        (
            Conv("Second/conv", "crops", 16, Window((3, 3)), "batch_without_gamma", "relu"),
            SpatialMean("Second/mean", "Second/conv"),
            Dense("Second/classes", "Second/mean", num_classes + 1),
            Dense("Second/boxes", "Second/mean", num_classes * 4),
        ),
        {"crops": (5, 5, 12)},
        {"class_logits": "Second/classes", "box_encodings": "Second/boxes"},
        rows=4,
    )
    columns = {"Second/classes": ClassColumns(), "Second/boxes": ClassColumns(background=False, values=4)}
    preprocess = Preprocess((48, 80), keep_aspect=True)
    layers = tuple(layer.name for graph in (first, second) for layer in graph.layers)
    return Network(
        "two_stages", num_classes, {"first": first, "second": second}, preprocess, TwoStageHead(), columns,
        {"head": ("Second/classes", "Second/boxes"), "all": layers}, dict.fromkeys(layers, 0.1),
    )  # fmt: skip


@dataclass(frozen=True)
class TwoStageHead:
    """The ten cells with the highest objectness are cropped and classified; boxes are per class."""

    score_threshold: float = 1e-8

    def detect(self, run: Runner, images: Floats, rules: PostprocessRules) -> list[NmsResult]:
        """Run the first stage on the batch, and the second on the proposals of each image."""
        first = {name: np.asarray(values) for name, values in run("first", {"images": images}).items()}
        first = {name: values.copy() for name, values in first.items()}  # lent until the next run
        pairs = zip(first["features"], first["objectness"], strict=True)
        return [self._detect_one(run, features, objectness, rules) for features, objectness in pairs]

    def _detect_one(self, run: Runner, features: Floats, objectness: Floats, rules: PostprocessRules) -> NmsResult:
        height, width, _ = features.shape
        best = np.argsort(-(objectness[:, 1] - objectness[:, 0]), kind="stable")[:10]
        rows, places = best // width, best % width
        padded = np.pad(features, ((2, 2), (2, 2), (0, 0)))
        crops = np.stack([padded[row : row + 5, place : place + 5] for row, place in zip(rows, places, strict=True)])
        second = {name: np.asarray(values) for name, values in run("second", {"crops": crops}).items()}
        columns = np.arange(second["class_logits"].shape[1] - 1) if rules.columns is None else rules.columns
        codes = second["box_encodings"].reshape(len(best), -1, 4)
        proposals = np.stack([rows / height, places / width, (rows + 5) / height, (places + 5) / width], 1)
        boxes = decode(codes, proposals[:, None].astype(np.float32))  # every class has a box of its own
        scores = second["class_logits"][:, 1 + columns]
        kept = multiclass_nms(
            lambda rows, found: boxes[rows, columns[found]], scores, rules, to_scores=sigmoid, to_value=logit
        )
        return NmsResult(kept.boxes, kept.scores, columns[kept.columns], kept.anchors)


class NumpyBackend:
    """Every operation in plain NumPy, in float64, on arrays `[batch, *shape]`."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def conv(self, op: Conv, source: np.ndarray) -> np.ndarray:
        kernel, bias = fold(replace(op, scale=1.0), self._weights)
        patches = _patches(source, op.window, 0.0)  # [batch, height, width, channels, kernel height, kernel width]
        sums = "nhwcij,ijcd->nhwc" if op.depthwise else "nhwcij,ijcd->nhwd"
        convolved = np.einsum(sums, patches, kernel.astype(np.float64)) + bias
        return _activate(op.activation, op.scale * convolved)

    def bias(self, op: Bias, source: np.ndarray) -> np.ndarray:
        return _activate(op.activation, source + bias_of(op, self._weights))

    def predict(self, op: Predict, source: np.ndarray) -> np.ndarray:
        kernel, bias = fold(op, self._weights)
        return (source @ kernel[0, 0].astype(np.float64) + bias).reshape(len(source), -1, op.values)

    def dense(self, op: Dense, source: np.ndarray) -> np.ndarray:
        kernel, bias = fold(op, self._weights)
        return source @ kernel.astype(np.float64) + bias

    def add(self, op: Add, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return _activate(op.activation, first + second)

    def concat(self, op: Concat, sources: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(list(sources), axis=1 if op.axis == "rows" else -1)

    def pool(self, op: Pool, source: np.ndarray) -> np.ndarray:
        patches = _patches(source, op.window, np.nan)
        return np.nanmax(patches, axis=(-2, -1)) if op.kind == "max" else np.nanmean(patches, axis=(-2, -1))

    def spatial_mean(self, op: SpatialMean, source: np.ndarray) -> np.ndarray:
        return source.mean(axis=(1, 2))


def _patches(source: np.ndarray, window: Window, filler: float) -> np.ndarray:
    """What the window sees at each place, with TensorFlow's padding."""
    pads = [(0, 0)]
    for size, kernel in zip(source.shape[1:3], window.kernel, strict=True):
        span = (kernel - 1) * window.dilation + 1
        outputs = -(-size // window.stride)
        total = max((outputs - 1) * window.stride + span - size, 0) if window.padding == "SAME" else 0
        pads.append((total // 2, total - total // 2))
    padded = np.pad(source.astype(np.float64), [*pads, (0, 0)], constant_values=filler)
    spans = tuple((kernel - 1) * window.dilation + 1 for kernel in window.kernel)
    seen = np.lib.stride_tricks.sliding_window_view(padded, spans, (1, 2))
    return seen[:, :: window.stride, :: window.stride, :, :: window.dilation, :: window.dilation]


def _activate(activation: Activation | None, values: np.ndarray) -> np.ndarray:
    return values if activation is None else np.clip(values, 0, 6 if activation == "relu6" else None)
