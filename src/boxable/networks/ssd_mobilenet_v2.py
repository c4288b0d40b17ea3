"""SSD with MobileNetV2 at 300x300: the layer table (SEMANTICS §3 and §5)."""

from functools import cache

from boxable.networks.layers import FeatureMap, Layer, Network

ROOT = "FeatureExtractor/MobilenetV2"
INPUT_SIZE = 300

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

# The map that is predicted on first: the output of this expansion, before its stride (SEMANTICS §3.2).
FIRST_MAP = f"{ROOT}/expanded_conv_13/expand"


@cache
def ssd_mobilenet_v2(num_classes: int) -> Network:
    """The network for this many classes, background not counted."""
    backbone = _backbone()
    by_name = {layer.name: layer for layer in backbone}
    extras = [layer for layer in backbone if "_3x3_s2_" in layer.name]
    sources = [by_name[FIRST_MAP], by_name[f"{ROOT}/Conv_1"], *extras]
    maps = []
    for index, source in enumerate(sources):
        count = 3 if index == 0 else 6
        heads = [
            Layer(f"BoxPredictor_{index}/{name}", source.name, source.outputs, count * values, source.size_out,
                  source.size_out, batch_norm=False, relu6=False)
            for name, values in (("BoxEncodingPredictor", 4), ("ClassPredictor", num_classes + 1))
        ]  # fmt: skip
        maps.append(FeatureMap(source, count, *heads))
    return Network("ssd_mobilenet_v2", num_classes, INPUT_SIZE, backbone, tuple(maps))


def with_class_outputs(outputs: int) -> Network | None:
    """The network whose first class head has this many outputs, or None: so foreign files tell their classes."""
    columns, rest = divmod(outputs, ssd_mobilenet_v2(1).feature_maps[0].anchors_per_cell)
    return ssd_mobilenet_v2(columns - 1) if columns > 1 and not rest else None


def _backbone() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    source, channels, size = "image", 3, INPUT_SIZE

    def conv(name: str, outputs: int, kernel: int = 1, stride: int = 1, *, depthwise: bool = False,
             relu6: bool = True, shortcut: str | None = None) -> None:  # fmt: skip
        nonlocal source, channels, size
        layer = Layer(f"{ROOT}/{name}", source, channels, outputs, size, -(-size // stride), kernel, stride,
                      depthwise, relu6=relu6, shortcut=shortcut)  # fmt: skip
        layers.append(layer)
        source, channels, size = layer.name, layer.outputs, layer.size_out

    conv("Conv", 32, 3, 2)
    block = 0
    for expansion, outputs, repeats, first_stride in BOTTLENECKS:
        for repeat in range(repeats):
            name = f"expanded_conv_{block}" if block else "expanded_conv"
            stride = first_stride if repeat == 0 else 1
            shortcut = source if stride == 1 and channels == outputs else None
            if expansion > 1:
                conv(f"{name}/expand", channels * expansion)
            conv(f"{name}/depthwise", channels, 3, stride, depthwise=True)
            conv(f"{name}/project", outputs, relu6=False, shortcut=shortcut)
            block += 1
    conv("Conv_1", 1280)
    for number, (narrow, wide) in enumerate(EXTRAS, start=2):
        conv(f"layer_19_1_Conv2d_{number}_1x1_{narrow}", narrow)
        conv(f"layer_19_2_Conv2d_{number}_3x3_s2_{wide}", wide, 3, 2)
    return tuple(layers)
