"""SSD with MobileNetV2 at 300x300 as a table of operations (SEMANTICS §3 and §5)."""

from collections.abc import Iterator
from functools import cache

from boxable.networks.anchors import ssd_anchors
from boxable.networks.heads.ssd import SsdHead
from boxable.networks.network import ClassColumns, Graph, Network
from boxable.networks.ops import Activation, Add, Concat, Conv, Op, Predict, Shape, Window
from boxable.networks.preprocess import Preprocess

ROOT = "FeatureExtractor/MobilenetV2"
INPUT_SIZE = 300
GRAPH = "detector"

# MobileNetV2, table 2 of the paper: expansion, channels, repeats, stride of the first.
BOTTLENECKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)

# Layers after the backbone: channels of the 1x1 and of the 3x3 stride-2 convolution (SEMANTICS §3.2).
EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))

# Of the kernels of the backbone, and of those of extra layers and predictions, before training (SEMANTICS §3.5).
BACKBONE_STDDEV, NECK_STDDEV = 0.09, 0.03

# The map that is predicted on first: the output of this expansion, before its stride (SEMANTICS §3.2).
FIRST_MAP = f"{ROOT}/expanded_conv_13/expand"


@cache
def ssd_mobilenet_v2(num_classes: int) -> Network:
    """Build the network for this many classes, background not counted.

    Input `images` in -1..1; outputs `box_encodings` `[batch, anchors, 4]` and `class_logits`
    `[batch, anchors, classes + 1]` (SEMANTICS §5).
    """
    ops = list(_backbone())
    extras = [op.name for op in ops if "_3x3_s2_" in op.name]
    box_layers, class_layers = [], []
    for index, source in enumerate([FIRST_MAP, f"{ROOT}/Conv_1", *extras]):
        per_cell = 3 if index == 0 else 6
        box_layers.append(Predict(f"BoxPredictor_{index}/BoxEncodingPredictor", source, per_cell, 4))
        class_layers.append(Predict(f"BoxPredictor_{index}/ClassPredictor", source, per_cell, num_classes + 1))
        ops += [box_layers[-1], class_layers[-1]]
    for output, layers in (("box_encodings", box_layers), ("class_logits", class_layers)):
        ops.append(Concat(output, tuple(layer.name for layer in layers), "rows"))
    size = (INPUT_SIZE, INPUT_SIZE)
    graph = Graph(tuple(ops), {"images": (*size, 3)}, {name: name for name in ("box_encodings", "class_logits")})
    anchors = ssd_anchors(tuple(_side(graph.shapes[layer.source]) for layer in box_layers))
    columns = {layer.name: ClassColumns() for layer in class_layers}
    scopes = _scopes(graph)
    stddevs = {name: NECK_STDDEV if name in scopes["neck"] else BACKBONE_STDDEV for name in scopes["all"]}
    return Network(
        "ssd_mobilenet_v2", num_classes, {GRAPH: graph}, Preprocess(size), SsdHead(GRAPH, anchors), columns, scopes,
        stddevs,
    )  # fmt: skip


def _scopes(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Name the layers of the head (all predictions), of the neck (those and the extra layers), and all."""
    layers = tuple(layer.name for layer in graph.layers)
    head = tuple(layer.name for layer in graph.layers if isinstance(layer, Predict))
    extras = tuple(name for name in layers if name.startswith(f"{ROOT}/layer_19_"))
    return {"head": head, "neck": (*extras, *head), "all": layers}


def _side(shape: Shape) -> int:
    return shape[0] or 0


def _backbone() -> Iterator[Op]:
    source, channels = "images", 3

    def conv(name: str, filters: int | None, kernel: int = 1, stride: int = 1,
             activation: Activation | None = "relu6") -> Conv:  # fmt: skip
        nonlocal source, channels
        op = Conv(f"{ROOT}/{name}", source, filters, Window((kernel, kernel), stride), activation=activation)
        source, channels = op.name, filters or channels
        return op

    yield conv("Conv", 32, 3, 2)
    block = 0
    for expansion, outputs, repeats, first_stride in BOTTLENECKS:
        for repeat in range(repeats):
            name = f"expanded_conv_{block}" if block else "expanded_conv"
            stride = first_stride if repeat == 0 else 1
            shortcut = source if stride == 1 and channels == outputs else None
            if expansion > 1:
                yield conv(f"{name}/expand", channels * expansion)
            yield conv(f"{name}/depthwise", None, 3, stride)
            yield conv(f"{name}/project", outputs, activation=None)
            if shortcut:
                yield Add(f"{ROOT}/{name}/add", (source, shortcut))
                source = f"{ROOT}/{name}/add"
            block += 1
    yield conv("Conv_1", 1280)
    for number, (narrow, wide) in enumerate(EXTRAS, start=2):
        yield conv(f"layer_19_1_Conv2d_{number}_1x1_{narrow}", narrow)
        yield conv(f"layer_19_2_Conv2d_{number}_3x3_s2_{wide}", wide, 3, 2)
