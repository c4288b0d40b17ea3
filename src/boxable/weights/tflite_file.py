"""Read the weights of an SSD MobileNetV2 out of a TFLite file, without TensorFlow."""

from collections.abc import Iterator

import numpy as np
import tflite
from numpy.typing import NDArray

from boxable.errors import WeightsError
from boxable.networks.layers import unfolded
from boxable.networks.ssd_mobilenet_v2 import with_class_outputs

Floats = NDArray[np.float32]
Convolution = tuple[Floats, Floats]  # kernel as TF holds it, bias

_DTYPES = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16}


def read_tflite(data: bytes, name: str) -> dict[str, Floats]:
    """TF variable name -> float32 array. Raises WeightsError, which begins with `name`.

    Tensor names are shared between layers in such files, so layers are told apart by the order of the
    operators; a convolution whose output is reshaped is a prediction head. Batch norm is folded in them; it
    comes as the one that changes nothing.
    """
    try:
        convolutions = list(_convolutions(data))
        heads = [found for found, is_head in convolutions if is_head]
        # Heads come as box, class, box, class, ...
        network = with_class_outputs(len(heads[1][1])) if len(heads) > 1 else None
    except WeightsError as error:
        raise WeightsError(f"{name}: {error}") from None
    # A damaged flatbuffer shows itself in many ways (struct.error, IndexError, TypeError, ...).
    except Exception as error:
        raise WeightsError(f"{name}: not a readable TFLite file ({type(error).__name__}: {error})") from error
    found = [found for found, is_head in convolutions if not is_head] + heads
    if network is None or len(found) != len(network.layers):
        raise WeightsError(f"{name}: {len(found)} convolutions, {len(heads)} of them heads; not an SSD MobileNetV2")
    weights: dict[str, Floats] = {}
    for layer, (kernel, bias) in zip(network.layers, found, strict=True):
        weights |= unfolded(layer, kernel, bias)
    return weights


def _convolutions(data: bytes) -> Iterator[tuple[Convolution, bool]]:
    """Kernel and bias of each convolution in operator order, and whether it is a prediction head."""
    model = tflite.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
    codes = [_code(model, operator) for operator in operators]
    kinds = tflite.BuiltinOperator
    # Half-precision constants pass through a DEQUANTIZE on their way.
    constants = {
        op.Outputs(0): op.Inputs(0) for op, code in zip(operators, codes, strict=True) if code == kinds.DEQUANTIZE
    }
    reshaped = {op.Inputs(0) for op, code in zip(operators, codes, strict=True) if code == kinds.RESHAPE}
    for operator, code in zip(operators, codes, strict=True):
        if code in (kinds.CONV_2D, kinds.DEPTHWISE_CONV_2D):
            kernel, bias = (
                _constant(model, graph, constants.get(operator.Inputs(index), operator.Inputs(index)))
                for index in (1, 2)
            )
            # TFLite: outputs, height, width, inputs (depthwise: 1, height, width, channels).
            yield (kernel.transpose(1, 2, 3, 0), bias), operator.Outputs(0) in reshaped


def _code(model: tflite.Model, operator: tflite.Operator) -> int:
    code = model.OperatorCodes(operator.OpcodeIndex())
    return int(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))


def _constant(model: tflite.Model, graph: tflite.SubGraph, index: int) -> Floats:
    tensor = graph.Tensors(index)
    if tensor.Type() not in _DTYPES:
        raise WeightsError("its weights are quantised; expected float32 or float16")
    raw = model.Buffers(tensor.Buffer()).DataAsNumpy()
    shape = [tensor.Shape(axis) for axis in range(tensor.ShapeLength())]
    values: Floats = raw.view(_DTYPES[tensor.Type()]).reshape(shape).astype(np.float32)
    return values
