"""Open a model: `boxable.load`."""

import os

from boxable.detection.detector import Detector
from boxable.detection.options import Decode
from boxable.errors import ArgumentError
from boxable.runtimes import Precision, RuntimeName
from boxable.weights.model import Model
from boxable.weights.pull import graph_of
from boxable.weights.store import compile_model

PRECISIONS = ("fp32", "bf16", "int8")


def load(
    model: str | os.PathLike[str] | Model | None = None,
    *,
    threads: int | None = None,
    decode: Decode = "exact",
    precision: Precision = "fp32",
    runtime: RuntimeName = "onnxruntime",
) -> Detector:
    """Open a model by handle, alias or TF-Hub URL, from a file that Boxable wrote, or from a Model.

    Without an argument: the 601-class network if its weights are installed, else the 23-class one, which is
    fetched by itself; a line on the log says which. `threads` share the work on a single picture, and in lists
    and streams each has pictures of its own; None: one a core.

    `decode="fast"` reads JPEG files of at least 600 pixels a side at a half, a quarter or an eighth of their size: at
    4000x3000 in 0.4 times the time, at 1024x768 in 0.85. Results differ: on photos enlarged to 1280 pixels the
    Challenge mAP of `ssd23` changed by +1.4 points (95 %: -0.4 to +3.3; 219 photos of COCO), by -2.4 (-8.3 to
    +0.9; 70 of VOC) and by +0.1 (-3.6 to +4.5; 26 of Open Images); on the same photos as they are, few of which
    are that large, by -0.1, 0.0 and -2.2 (-2.6 to 0.0).

    Parity is a promise of `precision="fp32"` only. `"int8"` rounds most of the network, which is about twice as fast on
    processors with VNNI, for networks that were calibrated (of the published ones `ssd23`). `"bf16"` computes in
    bfloat16, where the processor has it, with `runtime="openvino"` (`boxable[openvino]`), which runs the others too.

    Raises ArgumentError for a precision or runtime that does not exist, UnknownModelError for a name that nobody knows,
    and WeightsError for weights that cannot be had or read, or that nobody has calibrated for int8.
    """
    if precision not in PRECISIONS:
        raise ArgumentError(f"precision={precision!r} came; expected one of {', '.join(PRECISIONS)}")
    if isinstance(model, Model):
        if precision == "int8":
            raise ArgumentError("precision='int8' came for a Model; only installed networks are calibrated")
        graph, name = compile_model(model), model.handle
    else:
        path = None if model is None else os.fspath(model)
        graph, name = graph_of(path, int8=precision == "int8"), path or "the default model"
    return Detector(graph, name, threads=threads, decode=decode, runtime=runtime, precision=precision)
