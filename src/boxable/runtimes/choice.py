"""Which runtime and precision `auto` and `fastest` mean on this machine, without measuring when a model is opened.

What `boxable bench --save` measured here comes first. Without it a GPU goes before the CPU (torch where it sees one,
else CUDA, Core ML or DirectML of ONNX Runtime), and on a CPU the order is by the speeds in
`boxable.runtimes.measured`, for the kind of processor and the size of the network. What was not measured follows: fp32,
then bf16, then int8, each on ONNX Runtime, LiteRT, OpenVINO.
"""

import json
import logging
import platform
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.files import write_atomically
from boxable.networks.network import Network
from boxable.runtimes import (
    PrecisionChoice,
    RuntimeChoice,
    RuntimeName,
    available_runtimes,
    check,
    check_precision,
    precisions_available,
    precisions_of,
)
from boxable.runtimes.measured import Choice, speeds_for
from boxable.settings import home, processor, processor_kind
from boxable.weights.compiled import Precision

logger = logging.getLogger("boxable")

_GPU_RUNTIMES: tuple[RuntimeName, ...] = ("torch", "cuda", "coreml", "directml")
# Of what was not measured.
_RUNTIME_ORDER: tuple[RuntimeName, ...] = (*_GPU_RUNTIMES, "onnxruntime", "litert", "openvino")
_PRECISION_ORDER: tuple[Precision, ...] = ("fp16", "fp32", "bf16", "int8")
_PACKAGES = ("boxable", "onnxruntime", "openvino", "ai-edge-litert", "torch")


def choices(
    runtime: RuntimeChoice,
    precision: PrecisionChoice,
    *,
    handle: str,
    threads: int,
    calibrated: bool,
    network: Network,
) -> list[Choice]:
    """List the pairs of runtime and precision that are meant, the fastest first. Raises ArgumentError if none is.

    `calibrated` tells whether the model can run in int8; its `network` tells its size.
    """
    if runtime == "auto":
        names = available_runtimes()
        if precision != "fastest":
            check_precision(precision)
    else:
        names = [runtime]
        check(runtime, "fp32" if precision == "fastest" else precision)
    able = precisions_available if precision == "fastest" else precisions_of
    found = [(name, item) for name in names for item in able(name) if precision in ("fastest", item)]
    if precision == "fastest" and not calibrated:
        found = [choice for choice in found if choice[1] != "int8"]
    if not found:
        raise ArgumentError(
            f"precision={precision!r}: expected an installed runtime that computes in it, got {', '.join(names)}"
        )
    if len(found) == 1:
        return found
    saved = _saved(handle, threads)
    speeds = speeds_for(processor_kind(), network.macs)
    return sorted(found, key=lambda choice: (saved.get(choice, float("inf")), _rank(choice, speeds)))


def save_choice(handle: str, threads: int, times: Mapping[Choice, float]) -> Path:
    """Save the seconds an image that each runtime and precision took for a model here; returns the file."""
    rows = [[*choice, seconds] for choice, seconds in sorted(times.items(), key=lambda item: item[1])]
    path = _file(handle)
    write_atomically(path, json.dumps({"machine": _machine(threads), "seconds": rows}).encode())
    return path


def _saved(handle: str, threads: int) -> dict[Choice, float]:
    """Read what was saved for a model on this machine with these versions; nothing if there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads(_file(handle).read_text("utf-8"))
        if content["machine"] == _machine(threads):
            return {(name, precision): float(seconds) for name, precision, seconds in content["seconds"]}
    return {}


def _rank(choice: Choice, speeds: Mapping[Choice, float]) -> tuple[bool, float, int, int]:
    """Sort key of a choice where nothing was saved."""
    name, precision = choice
    on_cpu = name not in _GPU_RUNTIMES
    return on_cpu, -speeds.get(choice, 0), _PRECISION_ORDER.index(precision), _RUNTIME_ORDER.index(name)


def _file(handle: str) -> Path:
    return home() / "fastest" / f"{handle.replace('/', '--')}.json"


def _machine(threads: int) -> list[str]:
    found = [processor(), platform.machine(), str(threads)]
    for package in _PACKAGES:
        with suppress(ModuleNotFoundError):
            found.append(f"{package} {version(package)}")
    return found
