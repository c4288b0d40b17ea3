"""Write TFLite files (flatbuffers): tensors, constants, operators."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

from boxable.arrays import Floats

_TYPES = {
    np.dtype(np.float16): tflite.TensorType.FLOAT16,
    np.dtype(np.float32): tflite.TensorType.FLOAT32,
    np.dtype(np.int32): tflite.TensorType.INT32,
    np.dtype(np.int8): tflite.TensorType.INT8,
}
_SCHEMA_VERSION = 3
# The schema aligns constants so, and kernels read them where they lie.
_ALIGNMENT = 16


class TfliteFile:
    """The tensors and operators of a TFLite file, in order; tensors are known by their index.

    With room for `capacity` bytes from the start it need not be copied as it grows.
    """

    def __init__(self, capacity: int = 1 << 20) -> None:
        self._builder = flatbuffers.Builder(capacity)
        self._buffers = [self._table("Buffer")]  # the empty one, of tensors that are computed
        self._tensors: list[int] = []
        self._operators: list[int] = []
        self._kinds: list[int] = []

    def tensor(self, shape: Sequence[int], name: str = "") -> int:
        """Add a float32 tensor that is an input or computed; returns its index."""
        return self._add_tensor(shape, np.dtype(np.float32), 0, name)

    def int8_tensor(self, shape: Sequence[int], scale: Floats, zero: int) -> int:
        """Add an int8 tensor that is computed, with its scale `[1]` and zero point; returns its index."""
        return self._add_tensor(shape, np.dtype(np.int8), 0, "", self._quantization(scale, zero))

    def constant(self, values: NDArray[np.generic], scale: Floats | None = None, axis: int = 0) -> int:
        """Add a constant; returns its index. A quantized one has a scale for each place along an axis."""
        data = values.tobytes()
        self._builder.Prep(_ALIGNMENT, len(data))
        self._buffers.append(self._table("Buffer", Data=self._builder.CreateByteVector(data)))
        quantization = {} if scale is None else self._quantization(scale, 0, axis)
        return self._add_tensor(values.shape, values.dtype, len(self._buffers) - 1, "", quantization)

    def operator(self, kind: int, inputs: Sequence[int], output: int, options: str = "", **fields: int) -> int:
        """Add an operator (a `tflite.BuiltinOperator`) with one output; returns the output's index.

        `options` is the table of the schema that holds its options, the fields as in `Conv2DOptionsAdd...`.
        """
        if kind not in self._kinds:
            self._kinds.append(kind)
        described: dict[str, int] = {}
        if options:
            described = {
                "BuiltinOptionsType": getattr(tflite.BuiltinOptions, options),
                "BuiltinOptions": self._table(options, **fields),
            }
        vectors = {"Inputs": self._indices(inputs), "Outputs": self._indices([output])}
        index = self._kinds.index(kind)
        self._operators.append(self._table("Operator", OpcodeIndex=index, **vectors, **described))
        return output

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the file, with these tensors as inputs and outputs; nothing can be added after this."""
        codes = [self._table("OperatorCode", DeprecatedBuiltinCode=kind, BuiltinCode=kind) for kind in self._kinds]
        graph = self._table(
            "SubGraph",
            Tensors=self._vector(self._tensors),
            Inputs=self._indices(inputs),
            Outputs=self._indices(outputs),
            Operators=self._vector(self._operators),
        )
        model = self._table(
            "Model",
            Version=_SCHEMA_VERSION,
            OperatorCodes=self._vector(codes),
            Subgraphs=self._vector([graph]),
            Buffers=self._vector(self._buffers),
        )
        self._builder.Finish(model, file_identifier=b"TFL3")
        return bytes(self._builder.Output())

    def _quantization(self, scale: Floats, zero: int, axis: int = 0) -> dict[str, int]:
        vectors = {
            "Scale": int(self._builder.CreateNumpyVector(scale.astype(np.float32))),
            "ZeroPoint": int(self._builder.CreateNumpyVector(np.full(len(scale), zero, np.int64))),
        }
        return {"Quantization": self._table("QuantizationParameters", **vectors, QuantizedDimension=axis)}

    def _add_tensor(
        self,
        shape: Sequence[int],
        dtype: np.dtype[Any],
        buffer: int,
        name: str,
        quantization: Mapping[str, int] = MappingProxyType({}),
    ) -> int:
        fields = {"Shape": self._indices(shape), "Type": _TYPES[dtype], "Buffer": buffer, **quantization}
        if name:
            fields["Name"] = self._builder.CreateString(name)
        self._tensors.append(self._table("Tensor", **fields))
        return len(self._tensors) - 1

    def _table(self, kind: str, **fields: int) -> int:
        """Write a table of the schema with its generated functions; returns its offset."""
        getattr(tflite, f"{kind}Start")(self._builder)
        for name, value in fields.items():
            getattr(tflite, f"{kind}Add{name}")(self._builder, value)
        return int(getattr(tflite, f"{kind}End")(self._builder))

    def _indices(self, values: Sequence[int]) -> int:
        return int(self._builder.CreateNumpyVector(np.array(values, np.int32)))

    def _vector(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())
