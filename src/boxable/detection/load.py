"""Open a model: `boxable.load`."""

import logging
import os

from boxable.detection.detector import Detector
from boxable.detection.fastest import Choice, fastest
from boxable.detection.options import Decode, check_count
from boxable.errors import ArgumentError, WeightsError
from boxable.runtimes import (
    Precision,
    PrecisionChoice,
    RuntimeChoice,
    check,
    check_precision,
    precisions_here,
    precisions_of,
    runtimes_here,
)
from boxable.settings import available_cores
from boxable.vocabulary.selection import Selection
from boxable.weights.model import Model
from boxable.weights.narrow import narrowed
from boxable.weights.pull import graph_of
from boxable.weights.store import compile_model

logger = logging.getLogger("boxable")


def load(
    model: str | os.PathLike[str] | Model | None = None,
    *,
    threads: int | None = None,
    decode: Decode = "exact",
    precision: PrecisionChoice = "fp32",
    runtime: RuntimeChoice = "onnxruntime",
    classes: Selection | None = None,
) -> Detector:
    """Open a model by handle, alias or TF-Hub URL, from a file that Boxable wrote, or from a Model.

    Without an argument: the 601-class network if its weights are installed, else the 23-class one, which is
    fetched by itself; a line on the log says which. `threads` share the work on a single picture, and in lists
    and streams each has pictures of its own; None: one a core. With `classes`, a selection such as "Person,Car", the
    network computes no others: the detections are those of the whole network with the same selection, sooner.

    `decode="fast"` reads JPEG files of at least 600 pixels a side at a half, a quarter or an eighth of their size: at
    4000x3000 in 0.4 times the time, at 1024x768 in 0.85. Results differ: on photos enlarged to 1280 pixels the
    Challenge mAP of `ssd23` changed by +1.4 points (95 %: -0.4 to +3.3; 219 photos of COCO), by -2.4 (-8.3 to
    +0.9; 70 of VOC) and by +0.1 (-3.6 to +4.5; 26 of Open Images); on the same photos as they are, few of which
    are that large, by -0.1, 0.0 and -2.2 (-2.6 to 0.0).

    Parity is a promise of `precision="fp32"` only. `"int8"` rounds most of the network, for networks that were
    calibrated: `ssd23`, and what `boxable quantize` has made ready; it is about twice as fast on processors with VNNI,
    three times on those with AMX and OpenVINO. `"bf16"` computes in bfloat16, where the processor has it. `"fastest"`
    tries those that there are.

    `runtime` is `"onnxruntime"` on the CPU, `"openvino"` (`boxable[openvino]`), `"litert"` (`boxable[litert]`; fp32
    only), `"cuda"`, `"coreml"` or `"directml"` where the installed ONNX Runtime has them, or `"torch"`
    (`boxable[torch]`), on a CUDA GPU where it sees one, there also in `"fp16"`. `"auto"` tries those that are
    installed, torch only on a GPU. A trial takes some seconds once for a machine and a network, and is remembered.

    Raises ArgumentError for a precision or runtime that does not exist or is not here, UnknownModelError for a name
    that nobody knows, UnknownClassError, and WeightsError for weights that cannot be had or read, or that nobody has
    calibrated for int8.
    """
    if threads is not None:
        check_count("threads", threads)
    choices, graphs = _choices(runtime, precision), _Graphs(model, classes)
    if precision == "fastest" and any(able == "int8" for _, able in choices) and not graphs.has_int8:
        choices = [choice for choice in choices if choice[1] != "int8"]
    kind, chosen = fastest(choices, graphs.of, graphs.name, threads or available_cores())
    return Detector(graphs.of(chosen), graphs.name, threads=threads, decode=decode, runtime=kind, precision=chosen)


def _choices(runtime: RuntimeChoice, precision: PrecisionChoice) -> list[Choice]:
    """The pairs of runtime and precision that are meant, the default first. Raises ArgumentError."""
    if runtime == "auto":
        kinds = runtimes_here()
        if precision != "fastest":
            check_precision(precision)
    else:
        kinds = [runtime]
        check(runtime, "fp32" if precision == "fastest" else precision)
    able = precisions_here if precision == "fastest" else precisions_of
    found = [(kind, item) for kind in kinds for item in able(kind) if precision in ("fastest", item)]
    if not found:
        raise ArgumentError(
            f"precision={precision!r} came, and no runtime that computes in it is installed: {', '.join(kinds)}"
        )
    return found


class _Graphs:
    """The graphs of a model, each made or read when it is first asked for."""

    def __init__(self, model: str | os.PathLike[str] | Model | None, classes: Selection | None) -> None:
        self._model, self._classes = model, classes
        self._found: dict[bool, bytes] = {}
        if isinstance(model, Model):
            self.name = model.handle
        else:
            self.name = "the default model" if model is None else os.fspath(model)

    def of(self, precision: Precision) -> bytes:
        """The graph for a precision. Raises WeightsError, ArgumentError."""
        int8 = precision == "int8"
        if int8 not in self._found:
            graph = self._whole(int8)
            self._found[int8] = graph if self._classes is None else narrowed(graph, self._classes, self.name)
        return self._found[int8]

    @property
    def has_int8(self) -> bool:
        """Whether somebody has calibrated the model."""
        self.of("fp32")  # whether the model can be had at all
        try:
            self.of("int8")
        except (WeightsError, ArgumentError) as error:
            logger.warning("int8 is left out: %s", error)
            return False
        return True

    def _whole(self, int8: bool) -> bytes:
        if isinstance(self._model, Model):
            if int8:
                raise ArgumentError("precision='int8' came for a Model; only installed networks are calibrated")
            return compile_model(self._model)
        return graph_of(None if self._model is None else self.name, int8=int8)
