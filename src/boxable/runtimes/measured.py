"""How fast the runtimes are on each kind of processor, from the measurements in docs/speed.md."""

import platform
from collections.abc import Mapping
from typing import Literal

from boxable.runtimes import RuntimeName
from boxable.settings import processor_features
from boxable.weights.compiled import Precision

Choice = tuple[RuntimeName, Precision]
# By what computes products of 8 bits; "other" is what was not measured.
ProcessorKind = Literal["AMX", "VNNI", "AVX2", "other"]

# How many times as fast as the default (ONNX Runtime in fp32) the 23-class network is on one thread.
SPEEDS: Mapping[ProcessorKind, Mapping[Choice, float]] = {
    "AMX": {
        ("openvino", "int8"): 2.20, ("onnxruntime", "int8"): 1.68, ("openvino", "bf16"): 1.67,
        ("openvino", "fp32"): 1.02, ("onnxruntime", "fp32"): 1, ("litert", "fp32"): 0.97,
    },
    "VNNI": {
        ("litert", "int8"): 2.77, ("openvino", "int8"): 2.26, ("onnxruntime", "int8"): 1.95,
        ("litert", "fp32"): 1.09, ("openvino", "fp32"): 1.05, ("onnxruntime", "fp32"): 1,
    },
    "AVX2": {
        ("openvino", "int8"): 1.34, ("onnxruntime", "int8"): 1.08, ("litert", "int8"): 1.05,
        ("litert", "fp32"): 1.02, ("onnxruntime", "fp32"): 1, ("openvino", "fp32"): 0.95,
    },
    "other": {},
}  # fmt: skip


def processor_kind() -> ProcessorKind:
    """Tell which kind of processor this is; one of x86 whose features are unknown counts as having none of them."""
    features = processor_features()
    if "amx_int8" in features:
        return "AMX"
    if features & {"avx512_vnni", "avx_vnni"}:
        return "VNNI"
    return "AVX2" if platform.machine().casefold() in ("x86_64", "amd64") else "other"
