"""What one core can do at most: multiply matrices in float32 and int8, and move bytes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from boxable.runtimes.onnx_runtime import open_session

SIDES = (512, 1024, 2048)
# Bytes copied at a time: far more than caches hold, and half of what a second-level cache holds.
COPIES = {"memory": 256 * 2**20, "cache": 2**19}
# A copy within the cache takes microseconds; so many are timed together.
CACHE_COPIES = 500


@dataclass(frozen=True)
class Probe:
    """Work on one core: `amount` operations, or bytes read and written, in each run; the best of a `kind` counts."""

    kind: str
    amount: float
    run: Callable[[], object]


def probes() -> dict[str, Probe]:
    """Square products in float32 (SGEMM) and int8 (unsigned by signed), and copies."""
    generator = np.random.default_rng(0)
    found = {}
    for side in SIDES:
        floats = generator.normal(size=(2, side, side)).astype(np.float32)
        found[f"sgemm {side}"] = Probe("fp32", 2 * side**3, _product("MatMul", *floats))
        steps = generator.integers(0, 127, (2, side, side))
        found[f"int8 gemm {side}"] = Probe(
            "int8", 2 * side**3, _product("MatMulInteger", steps[0].astype(np.uint8), steps[1].astype(np.int8))
        )
    for kind, size in COPIES.items():
        times = 1 if kind == "memory" else CACHE_COPIES
        found[f"copy, {kind}"] = Probe(kind, 2 * size * times, _copies(size, times))
    return found


def rates(found: dict[str, Probe], times_ms: dict[str, float]) -> dict[str, float]:
    """Operations or bytes a second, the best of each kind."""
    best: dict[str, float] = {}
    for name, probe in found.items():
        best[probe.kind] = max(best.get(probe.kind, 0.0), probe.amount / times_ms[name] * 1000)
    return best


def _product(kind: str, left: np.ndarray, right: np.ndarray) -> Callable[[], object]:
    """Build the product of two matrices by ONNX Runtime on one thread; the right one is constant, as weights are."""
    types = {"MatMul": (TensorProto.FLOAT, TensorProto.FLOAT), "MatMulInteger": (TensorProto.UINT8, TensorProto.INT32)}
    source, result = types[kind]
    graph = helper.make_graph(
        [helper.make_node(kind, ["left", "right"], ["product"])],
        kind,
        [helper.make_tensor_value_info("left", source, left.shape)],
        [helper.make_tensor_value_info("product", result, [left.shape[0], right.shape[1]])],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    session = open_session(model.SerializeToString(), kind, 1)
    return lambda: session.run(None, {"left": left})


def _copies(size: int, times: int) -> Callable[[], object]:
    source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)

    def run() -> None:
        for _ in range(times):
            np.copyto(target, source)

    return run
