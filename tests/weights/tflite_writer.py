"""Write a TFLite file as small detectors are published: half-precision constants, shuffled heads."""

from collections.abc import Mapping

import numpy as np
import tflite
from numpy.typing import NDArray

from boxable.networks.network import Network
from boxable.networks.ops import Conv, Layer, Predict
from boxable.networks.tflite_writer import TfliteFile

# Kernel as TF holds it (HWIO; depthwise: height, width, channels, 1) and bias.
Convolution = tuple[NDArray[np.float32], NDArray[np.float32]]

_KINDS = tflite.BuiltinOperator


def write_tflite(network: Network, convolutions: Mapping[str, Convolution], *, half: bool = True) -> bytes:
    """The network's convolutions as operators; heads stand behind the map they read and are reshaped.

    A layer without an entry in `convolutions` is left out.
    """
    parts = TfliteFile()
    (graph,) = network.graphs.values()
    picture = parts.tensor([1])

    def add(layer: Layer) -> int:
        kernel, bias = convolutions[layer.name]
        stored = kernel.transpose(3, 0, 1, 2)
        weights = parts.constant(stored.astype(np.float16) if half else stored)
        if half:
            weights = parts.operator(_KINDS.DEQUANTIZE, [weights], parts.tensor(stored.shape))
        kind = _KINDS.DEPTHWISE_CONV_2D if isinstance(layer, Conv) and layer.depthwise else _KINDS.CONV_2D
        return parts.operator(kind, [picture, weights, parts.constant(bias)], parts.tensor([1]))

    for layer in graph.layers:
        if isinstance(layer, Conv) and layer.name in convolutions:
            add(layer)
        for head in (op for op in graph.readers(layer.name) if isinstance(op, Predict)):
            if head.name in convolutions:
                parts.operator(_KINDS.RESHAPE, [add(head)], parts.tensor([1]))
    return parts.finish([picture], [])
