"""Read the weights of a network out of a TFLite file, without TensorFlow."""

from collections.abc import Iterator

import numpy as np
import tflite
from numpy.typing import NDArray

from boxable.errors import WeightsError
from boxable.networks.architectures import ARCHITECTURES, recognize_kernels
from boxable.networks.walk import unfold

Floats = NDArray[np.float32]
Convolution = tuple[Floats, Floats]  # kernel as TF holds it, bias

_DTYPES = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16}


def read_tflite(data: bytes, name: str) -> dict[str, Floats]:
    """Read TF variable name -> float32 array. Raises WeightsError, which begins with `name`.

    Tensor names are shared between layers in such files, so layers are told apart by the order of the
    operators; a convolution whose output is reshaped is a prediction head. Batch norm is folded in such files; the
    result has a batch norm that changes nothing.
    """
    try:
        convolutions = list(_convolutions(data))
    except WeightsError as error:
        raise WeightsError(f"{name}: {error}") from None
    # A damaged flatbuffer shows itself in many ways (struct.error, IndexError, TypeError, ...).
    except Exception as error:
        raise WeightsError(f"{name}: not a readable TFLite file ({type(error).__name__}: {error})") from error
    found = [item for item, is_head in convolutions if not is_head] + [
        item for item, is_head in convolutions if is_head
    ]
    network = recognize_kernels([kernel.shape for kernel, _ in found])
    if network is None:
        raise WeightsError(
            f"{name}: expected the convolutions of {' or '.join(ARCHITECTURES)}, got {len(found)} that do not fit"
        )
    return {
        variable: values
        for layer, (kernel, bias) in zip(network.layers, found, strict=True)
        for variable, values in unfold(layer, kernel, bias).items()
    }


def _convolutions(data: bytes) -> Iterator[tuple[Convolution, bool]]:
    """Yield kernel and bias of each convolution in operator order, and whether it is a prediction head."""
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
        raise WeightsError("its weights are quantized; expected float32 or float16")
    raw = model.Buffers(tensor.Buffer()).DataAsNumpy()
    shape = [tensor.Shape(axis) for axis in range(tensor.ShapeLength())]
    values: Floats = raw.view(_DTYPES[tensor.Type()]).reshape(shape).astype(np.float32)
    return values
