"""A network and its weights as a TFLite file; batch norm is folded here."""

from collections.abc import Mapping

import numpy as np
import tflite

from boxable.networks.layers import Layer, Network, Weights
from boxable.networks.onnx_graph import fold
from boxable.networks.tflite_parts import TfliteParts

_KINDS = tflite.BuiltinOperator
# What all but the constants takes, and more.
_TABLES_BYTES = 1 << 17


def build_tflite(network: Network, weights: Weights, batch: int = 1) -> bytes:
    """The network in float32 as a TFLite file for batches of this size.

    Input `images`: float32 `[batch, size, size, 3]`, already resized and normalised to -1..1. Outputs
    `box_encodings` float32 `[batch, anchors, 4]` and `class_logits` float32 `[batch, anchors, classes + 1]`
    (SEMANTICS §5).
    """
    parts = TfliteParts(sum(values.nbytes for values in weights.values()) + _TABLES_BYTES)
    images = parts.tensor([batch, network.input_size, network.input_size, 3], "images")
    found = {"image": images}
    for layer in network.backbone:
        found[layer.name] = _add_convolution(layer, weights, parts, found, batch)
    boxes: list[int] = []
    logits: list[int] = []
    for item in network.feature_maps:
        for head, heads in ((item.box_head, boxes), (item.class_head, logits)):
            flat = [batch, head.size_out**2 * item.anchors_per_cell, head.outputs // item.anchors_per_cell]
            shape = parts.constant(np.array(flat, np.int32))
            convolved = _add_convolution(head, weights, parts, found, batch)
            heads.append(parts.operator(_KINDS.RESHAPE, [convolved, shape], parts.tensor(flat)))
    outputs = [
        parts.operator(
            _KINDS.CONCATENATION, heads, parts.tensor([batch, network.num_anchors, values], name),
            "ConcatenationOptions", Axis=1,
        )
        for name, heads, values in (("box_encodings", boxes, 4), ("class_logits", logits, network.num_classes + 1))
    ]  # fmt: skip
    return parts.finish([images], outputs)


def _add_convolution(layer: Layer, weights: Weights, parts: TfliteParts, found: Mapping[str, int], batch: int) -> int:
    """Index of the layer's result; `found` has those of the layers before it."""
    kernel, bias = fold(layer, weights)
    kind, options, fields = _KINDS.CONV_2D, "Conv2DOptions", {"StrideW": layer.stride, "StrideH": layer.stride}
    if layer.depthwise:
        kind, options = _KINDS.DEPTHWISE_CONV_2D, "DepthwiseConv2DOptions"
        fields["DepthMultiplier"] = 1
    if layer.relu6:
        fields["FusedActivationFunction"] = tflite.ActivationFunctionType.RELU6
    # Outputs, height, width, inputs; depthwise: 1, height, width, channels.
    constants = [parts.constant(kernel.transpose(3, 0, 1, 2)), parts.constant(bias)]
    shape = [batch, layer.size_out, layer.size_out, layer.outputs]
    result = parts.operator(
        kind, [found[layer.source], *constants], parts.tensor(shape), options, Padding=tflite.Padding.SAME, **fields
    )
    if layer.shortcut:
        result = parts.operator(_KINDS.ADD, [result, found[layer.shortcut]], parts.tensor(shape), "AddOptions")
    return result
