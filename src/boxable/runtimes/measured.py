"""How fast the runtimes are on each kind of processor, from the measurements in docs/speed.md."""

from collections.abc import Mapping

from boxable.runtimes import RuntimeName
from boxable.settings import ProcessorKind
from boxable.weights.compiled import Precision

Choice = tuple[RuntimeName, Precision]
Speeds = Mapping[Choice, float]

# From so many multiply-adds an image on, or where they depend on the image, a network counts as a large one.
LARGE = 10**9

# How many times as fast as the default (ONNX Runtime in fp32) the 23-class network is on one thread.
SPEEDS: Mapping[ProcessorKind, Speeds] = {
    "AMX": {
        ("openvino", "int8"): 2.20, ("onnxruntime", "int8"): 1.68, ("openvino", "bf16"): 1.67,
        ("openvino", "fp32"): 1.02, ("onnxruntime", "fp32"): 1, ("litert", "fp32"): 0.97,
    },
    "VNNI": {
        ("litert", "int8"): 2.77, ("openvino", "int8"): 2.26, ("onnxruntime", "int8"): 1.95,
        ("litert", "fp32"): 1.09, ("openvino", "fp32"): 1.05, ("onnxruntime", "fp32"): 1,
    },
    "AVX2": {
        ("openvino", "int8"): 1.31, ("onnxruntime", "int8"): 1.08, ("litert", "int8"): 1.05,
        ("onnxruntime", "fp32"): 1, ("litert", "fp32"): 1, ("openvino", "fp32"): 0.93,
    },
}  # fmt: skip
# The same of the 601-class network, for large ones.
LARGE_SPEEDS: Mapping[ProcessorKind, Speeds] = {
    "AMX": {
        ("openvino", "int8"): 3.39, ("onnxruntime", "int8"): 2.38,
        ("openvino", "fp32"): 1.11, ("onnxruntime", "fp32"): 1,
    },
    "AVX2": {
        ("onnxruntime", "int8"): 1.25, ("litert", "int8"): 1.12, ("openvino", "fp32"): 1.04, ("openvino", "int8"): 1.04,
        ("onnxruntime", "fp32"): 1, ("litert", "fp32"): 0.96,
    },
}  # fmt: skip


def speeds_for(kind: ProcessorKind, macs: int | None) -> Speeds:
    """Return the speeds on such processors of a network with so many multiply-adds an image (None: unknown).

    What was not measured with the large network counts as with the small one.
    """
    is_large = macs is None or macs >= LARGE
    return {**SPEEDS.get(kind, {}), **(LARGE_SPEEDS.get(kind, {}) if is_large else {})}
