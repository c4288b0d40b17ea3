"""Write a TFLite file as small detectors are published: half-precision constants, shuffled heads."""

from collections.abc import Mapping, Sequence

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

from boxable.networks.layers import Layer, Network

# Kernel as TF holds it (HWIO; depthwise: height, width, channels, 1) and bias.
Convolution = tuple[NDArray[np.float32], NDArray[np.float32]]

_KINDS = tflite.BuiltinOperator
_CODES = (_KINDS.CONV_2D, _KINDS.DEPTHWISE_CONV_2D, _KINDS.DEQUANTIZE, _KINDS.RESHAPE)
_TYPES = {np.dtype(np.float16): tflite.TensorType.FLOAT16, np.dtype(np.float32): tflite.TensorType.FLOAT32}


class _File:
    """Tensors, buffers and operators as they are added; all of them flatbuffer offsets."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1 << 20)
        self.buffers = [self._buffer(None)]
        self.tensors: list[int] = []
        self.operators: list[int] = []

    def tensor(self, values: NDArray[np.generic] | None = None) -> int:
        """A constant, or without values the result of an operator; returns its index."""
        builder = self.builder
        if values is not None:
            self.buffers.append(self._buffer(values))
        shape = builder.CreateNumpyVector(np.array(values.shape if values is not None else [1], np.int32))
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, shape)
        tflite.TensorAddType(builder, _TYPES[values.dtype] if values is not None else tflite.TensorType.FLOAT32)
        tflite.TensorAddBuffer(builder, len(self.buffers) - 1 if values is not None else 0)
        self.tensors.append(tflite.TensorEnd(builder))
        return len(self.tensors) - 1

    def operator(self, kind: int, inputs: Sequence[int]) -> int:
        """Returns the index of its output."""
        builder, output = self.builder, self.tensor()
        vectors = [builder.CreateNumpyVector(np.array(indices, np.int32)) for indices in (inputs, [output])]
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, _CODES.index(kind))
        tflite.OperatorAddInputs(builder, vectors[0])
        tflite.OperatorAddOutputs(builder, vectors[1])
        self.operators.append(tflite.OperatorEnd(builder))
        return output

    def finish(self) -> bytes:
        builder = self.builder
        codes = []
        for kind in _CODES:
            tflite.OperatorCodeStart(builder)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, kind)
            codes.append(tflite.OperatorCodeEnd(builder))
        tensors, operators = self._vector(self.tensors), self._vector(self.operators)
        tflite.SubGraphStart(builder)
        tflite.SubGraphAddTensors(builder, tensors)
        tflite.SubGraphAddOperators(builder, operators)
        graphs = self._vector([tflite.SubGraphEnd(builder)])
        buffers, code_vector = self._vector(self.buffers), self._vector(codes)
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, 3)
        tflite.ModelAddOperatorCodes(builder, code_vector)
        tflite.ModelAddSubgraphs(builder, graphs)
        tflite.ModelAddBuffers(builder, buffers)
        builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _buffer(self, values: NDArray[np.generic] | None) -> int:
        data = None if values is None else self.builder.CreateNumpyVector(np.frombuffer(values.tobytes(), np.uint8))
        tflite.BufferStart(self.builder)
        if data is not None:
            tflite.BufferAddData(self.builder, data)
        return int(tflite.BufferEnd(self.builder))

    def _vector(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return int(self.builder.EndVector())


def write_tflite(network: Network, convolutions: Mapping[str, Convolution], *, half: bool = True) -> bytes:
    """The network's convolutions as operators; heads stand behind the map they read and are reshaped.

    A layer without an entry in `convolutions` is left out.
    """
    file = _File()
    heads = {item.layer.name: (item.box_head, item.class_head) for item in network.feature_maps}
    picture = file.tensor()

    def add(layer: Layer) -> int:
        kernel, bias = convolutions[layer.name]
        stored = np.ascontiguousarray(kernel.transpose(3, 0, 1, 2))
        weights = file.tensor(stored.astype(np.float16) if half else stored)
        if half:
            weights = file.operator(_KINDS.DEQUANTIZE, [weights])
        kind = _KINDS.DEPTHWISE_CONV_2D if layer.depthwise else _KINDS.CONV_2D
        return file.operator(kind, [picture, weights, file.tensor(bias)])

    for layer in network.backbone:
        if layer.name in convolutions:
            add(layer)
        for head in heads.get(layer.name, ()):
            if head.name in convolutions:
                file.operator(_KINDS.RESHAPE, [add(head)])
    return file.finish()
