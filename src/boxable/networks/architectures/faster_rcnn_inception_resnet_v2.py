"""Faster R-CNN with Inception-ResNet-v2, atrous, as two tables of operations (SEMANTICS §11).

The first graph computes features with output stride 8 and the predictions of the region proposal network (RPN); the
second classifies crops of the features, each a row of the batch.
"""

from collections.abc import Sequence
from functools import cache
from typing import Literal

from boxable.networks.crops import convolve_before_crops
from boxable.networks.heads.faster_rcnn import FasterRcnnHead
from boxable.networks.network import ClassColumns, Graph, Network
from boxable.networks.ops import Activation, Add, Concat, Conv, Dense, Op, Pool, Predict, SpatialMean, Window
from boxable.networks.preprocess import Preprocess

FIRST, SECOND = "proposals", "classification"
FIRST_ROOT, SECOND_ROOT = (f"{stage}StageFeatureExtractor/InceptionResnetV2" for stage in ("First", "Second"))
# A portrait or square image is at most 600 wide and 1024 high, a landscape one the other way round.
FRAME = (600, 1024)
# Crops of the features: cells a side, channels, and how many are classified together.
CROP_SIZE, CHANNELS, CROPS = 17, 1088, 20
ANCHORS_PER_CELL = 12

# A convolution of a branch: name, filters, window.
Layer = tuple[str, int, Window]

ONE = Window()
# The branches of the residual blocks.
BLOCK35: tuple[tuple[Layer, ...], ...] = (
    (("Conv2d_1x1", 32, ONE),),
    (("Conv2d_0a_1x1", 32, ONE), ("Conv2d_0b_3x3", 32, Window((3, 3)))),
    (("Conv2d_0a_1x1", 32, ONE), ("Conv2d_0b_3x3", 48, Window((3, 3))), ("Conv2d_0c_3x3", 64, Window((3, 3)))),
)
BLOCK17: tuple[tuple[Layer, ...], ...] = (
    (("Conv2d_1x1", 192, ONE),),
    (
        ("Conv2d_0a_1x1", 128, ONE),
        ("Conv2d_0b_1x7", 160, Window((1, 7), dilation=2)),
        ("Conv2d_0c_7x1", 192, Window((7, 1), dilation=2)),
    ),
)
BLOCK8: tuple[tuple[Layer, ...], ...] = (
    (("Conv2d_1x1", 192, ONE),),
    (("Conv2d_0a_1x1", 192, ONE), ("Conv2d_0b_1x3", 224, Window((1, 3))), ("Conv2d_0c_3x1", 256, Window((3, 1)))),
)


@cache
def faster_rcnn_inception_resnet_v2(num_classes: int) -> Network:
    """Build the network for this many classes, background not counted.

    The first graph: input `images` in -1..1; outputs `features` `[batch, h, w, 1088]`, `box_encodings`
    `[batch, 12 h w, 4]`, `objectness` `[batch, 12 h w, 2]`, and three convolutions of the features, moved before the
    crops. The second one: crops `[crops, 17, 17, channels]` of the features and of these convolutions, under the same
    names; outputs `class_logits` `[crops, classes + 1]` and `box_encodings` `[crops, 4 classes]`.
    """
    first, second = convolve_before_crops(_first_stage(), _second_stage(num_classes))
    columns = {
        "SecondStageBoxPredictor/ClassPredictor": ClassColumns(),
        "SecondStageBoxPredictor/BoxEncodingPredictor": ClassColumns(background=False, values=4),
    }
    head = FasterRcnnHead(FIRST, SECOND, tuple(second.inputs), CROP_SIZE, CROPS)
    graphs, preprocess = {FIRST: first, SECOND: second}, Preprocess(FRAME, keep_aspect=True)
    return Network(
        "faster_rcnn_inception_resnet_v2", num_classes, graphs, preprocess, head, columns, classes_compete=True,
        is_large=True,
    )  # fmt: skip


def _first_stage() -> Graph:
    """Inception-ResNet-v2 up to PreAuxLogits, and the RPN. Every window has SAME padding (`align_feature_maps`)."""
    net = _Builder(FIRST_ROOT)
    three = Window((3, 3))
    stem: tuple[Layer, ...] = (
        ("Conv2d_1a_3x3", 32, Window((3, 3), 2)), ("Conv2d_2a_3x3", 32, three), ("Conv2d_2b_3x3", 64, three)
    )  # fmt: skip
    source = net.pool("MaxPool_3a_3x3", net.chain("", "images", stem), Window((3, 3), 2))
    source = net.chain("", source, (("Conv2d_3b_1x1", 80, ONE), ("Conv2d_4a_3x3", 192, three)))
    source = net.mixed_5b(net.pool("MaxPool_5a_3x3", source, Window((3, 3), 2)))
    for number in range(1, 11):
        source = net.residual(f"Repeat/block35_{number}", source, BLOCK35, 320, scale=0.17)
    source = net.mixed_6a(source)
    for number in range(1, 21):
        source = net.residual(f"Repeat_1/block17_{number}", source, BLOCK17, CHANNELS, scale=0.10)
    outputs = {
        "features": source,
        "box_encodings": "FirstStageBoxPredictor/BoxEncodingPredictor",
        "objectness": "FirstStageBoxPredictor/ClassPredictor",
    }
    net.ops += [
        Conv("Conv", source, 512, Window((3, 3), dilation=2), norm=None, activation="relu6"),
        Predict(outputs["box_encodings"], "Conv", ANCHORS_PER_CELL, 4),
        Predict(outputs["objectness"], "Conv", ANCHORS_PER_CELL, 2),
    ]
    return Graph(tuple(net.ops), {"images": (None, None, 3)}, outputs)


def _second_stage(num_classes: int) -> Graph:
    """Mixed_7a to Conv2d_7b, the mean over the cells, and two dense layers; boxes are per class, without background."""
    net = _Builder(SECOND_ROOT)
    source = net.mixed_7a("features")
    for number in range(1, 10):
        source = net.residual(f"Repeat/block8_{number}", source, BLOCK8, 2080, scale=0.20)
    source = net.residual("Block8", source, BLOCK8, 2080, scale=1.0, activation=None)
    source = net.chain("", source, (("Conv2d_7b_1x1", 1536, ONE),))
    mean = "SecondStageBoxPredictor/mean"
    outputs = {
        "class_logits": "SecondStageBoxPredictor/ClassPredictor",
        "box_encodings": "SecondStageBoxPredictor/BoxEncodingPredictor",
    }
    net.ops += [
        SpatialMean(mean, source),
        Dense(outputs["class_logits"], mean, num_classes + 1),
        Dense(outputs["box_encodings"], mean, 4 * num_classes),
    ]
    return Graph(tuple(net.ops), {"features": (CROP_SIZE, CROP_SIZE, CHANNELS)}, outputs, rows=CROPS)


class _Builder:
    """Operations below a root. Each method adds some, and returns the name of the last one."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.ops: list[Op] = []

    def chain(self, scope: str, source: str, layers: Sequence[Layer]) -> str:
        """Convolutions one after the other, with batch norm without gamma, and ReLU."""
        for name, filters, window in layers:
            op = Conv(self._name(scope, name), source, filters, window, "batch_without_gamma", "relu")
            source = self._add(op)
        return source

    def pool(self, name: str, source: str, window: Window, kind: Literal["max", "average"] = "max") -> str:
        return self._add(Pool(self._name("", name), source, kind, window))

    def concat(self, scope: str, sources: Sequence[str]) -> str:
        return self._add(Concat(self._name(scope, "concat"), tuple(sources)))

    def branches(self, scope: str, source: str, branches: Sequence[Sequence[Layer]]) -> list[str]:
        """Chains that read the same tensor."""
        return [self.chain(f"{scope}/Branch_{number}", source, branch) for number, branch in enumerate(branches)]

    def residual(
        self, scope: str, source: str, branches: Sequence[Sequence[Layer]], channels: int, *, scale: float,
        activation: Activation | None = "relu",
    ) -> str:  # fmt: skip
        """Add a residual block: branches, a convolution with bias to the width of the input, scaled, plus the input."""
        joined = self.concat(scope, self.branches(scope, source, branches))
        projection = self._add(Conv(self._name(scope, "Conv2d_1x1"), joined, channels, ONE, norm=None, scale=scale))
        return self._add(Add(self._name(scope, "add"), (projection, source), activation))

    def mixed_5b(self, source: str) -> str:
        scope, three = "Mixed_5b", Window((3, 3))
        branches = self.branches(scope, source, (
            (("Conv2d_1x1", 96, ONE),),
            (("Conv2d_0a_1x1", 48, ONE), ("Conv2d_0b_5x5", 64, Window((5, 5)))),
            (("Conv2d_0a_1x1", 64, ONE), ("Conv2d_0b_3x3", 96, three), ("Conv2d_0c_3x3", 96, three)),
        ))  # fmt: skip
        pooled = self.pool(f"{scope}/Branch_3/AvgPool_0a_3x3", source, three, "average")
        branches.append(self.chain(f"{scope}/Branch_3", pooled, (("Conv2d_0b_1x1", 64, ONE),)))
        return self.concat(scope, branches)

    def mixed_6a(self, source: str) -> str:
        """Without the stride of the classification network: the output stride stays 8."""
        scope, three = "Mixed_6a", Window((3, 3))
        branches = self.branches(scope, source, (
            (("Conv2d_1a_3x3", 384, three),),
            (("Conv2d_0a_1x1", 256, ONE), ("Conv2d_0b_3x3", 256, three), ("Conv2d_1a_3x3", 384, three)),
        ))  # fmt: skip
        return self.concat(scope, [*branches, self.pool(f"{scope}/Branch_2/MaxPool_1a_3x3", source, three)])

    def mixed_7a(self, source: str) -> str:
        scope, half = "Mixed_7a", Window((3, 3), 2, padding="VALID")
        branches = self.branches(scope, source, (
            (("Conv2d_0a_1x1", 256, ONE), ("Conv2d_1a_3x3", 384, half)),
            (("Conv2d_0a_1x1", 256, ONE), ("Conv2d_1a_3x3", 288, half)),
            (("Conv2d_0a_1x1", 256, ONE), ("Conv2d_0b_3x3", 288, Window((3, 3))), ("Conv2d_1a_3x3", 320, half)),
        ))  # fmt: skip
        return self.concat(scope, [*branches, self.pool(f"{scope}/Branch_3/MaxPool_1a_3x3", source, half)])

    def _name(self, scope: str, name: str) -> str:
        return "/".join(filter(None, (self._root, scope, name)))

    def _add(self, op: Op) -> str:
        self.ops.append(op)
        return op.name
