"""Open a model: `boxable.load`."""

import logging
import os
from typing import TypedDict

from boxable.detection.detector import DEFAULT_BATCH_SIZE, Detector
from boxable.detection.options import Decode, check_count
from boxable.detection.tiles import tiles_for
from boxable.errors import BoxableError, WeightsError
from boxable.runtimes import PrecisionChoice, RuntimeChoice
from boxable.runtimes.choice import choices
from boxable.settings import available_cores
from boxable.vocabulary.selection import Selection
from boxable.weights.compiled import Compiled, compiled_from
from boxable.weights.model import Model
from boxable.weights.pull import open_model

logger = logging.getLogger("boxable")


class RunningOptions(TypedDict, total=False):
    """The arguments of `load` that say how a model runs, for functions that pass them on."""

    precision: PrecisionChoice
    runtime: RuntimeChoice
    proposals: int | None
    tiles: int | None
    overlap: float | None
    and_whole: bool


def load(
    model: str | os.PathLike[str] | Model | None = None,
    *,
    threads: int | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    decode: Decode = "exact",
    precision: PrecisionChoice = "fp32",
    runtime: RuntimeChoice = "onnxruntime",
    classes: Selection | None = None,
    proposals: int | None = None,
    tiles: int | None = None,
    overlap: float | None = None,
    and_whole: bool = False,
) -> Detector:
    """Open a model by handle, alias or TF-Hub URL, from a file that Boxable wrote or its folder, or from a Model.

    Without an argument: the 601-class network if its weights are installed, else the 23-class one, which is fetched; a
    line on the log says which. With `classes`, a selection such as "Person,Car", the network computes no others: the
    detections are those of the whole network with the same selection, sooner.

    `threads` work together on a single image; in lists and streams each has batches of its own, of `batch_size` images.
    None: one a core.

    `decode="fast"` reads JPEG files of at least 600 pixels a side at a half, a quarter or an eighth of their size: at
    4000x3000 in 0.4 times the time, at 1024x768 in 0.85. Results differ: on images enlarged to 1280 pixels the
    Challenge mAP of `ssd23` changed by +1.4 points (95 %: -0.4 to +3.3; 219 images of COCO), by -2.4 (-8.3 to
    +0.9; 70 of VOC) and by +0.1 (-3.6 to +4.5; 26 of Open Images); on the same images as they are, few of which
    are that large, by -0.1, 0.0 and -2.2 (-2.6 to 0.0).

    Parity with the original is a promise of `precision="fp32"` only. `"int8"` quantizes most of a network that is
    calibrated: `ssd23`, and what `boxable quantize` has calibrated; it is about twice as fast on processors with VNNI
    or AMX. `"bf16"` computes in bfloat16 where the processor has it.

    `runtime` is `"onnxruntime"` on the CPU, `"openvino"` (`boxable[openvino]`), `"litert"` (`boxable[litert]`),
    `"cuda"`, `"coreml"` or `"directml"` where the installed ONNX Runtime has them, or `"torch"` (`boxable[torch]`), on
    a CUDA GPU where it sees one, there also in `"fp16"`.

    `proposals`: how many boxes of an image Faster R-CNN classifies at most, instead of 300; with 100 six tenths of
    the work are left.

    With `tiles` the network runs on squares of so many pixels, for small objects; neighbors share the part `overlap`
    (0.2) of their side. With `and_whole` it also runs on the whole image, for objects larger than a tile. All
    detections of an image are merged by NMS per class.

    `runtime="auto"` and `precision="fastest"` take what `boxable bench --save` measured to be the fastest on this
    machine, else what was the fastest on processors of its kind (docs/speed.md); nothing is measured here.

    Raises ArgumentError for a precision or runtime that does not exist or is unavailable, UnknownModelError,
    UnknownClassError, and WeightsError for weights that are unavailable, damaged, or not calibrated for int8.
    """
    if threads is not None:
        check_count("threads", threads)
    tiling = tiles_for(tiles, overlap, and_whole)
    compiled = compiled_from(model, classes=classes) if isinstance(model, Model) else open_model(_name(model), classes)
    names = choices(
        runtime, precision, handle=compiled.description.handle, threads=threads or available_cores(),
        calibrated=precision == "fastest" and _is_calibrated(compiled), network=compiled.description.network,
    )  # fmt: skip
    for number, (name, chosen) in enumerate(names):
        try:
            return Detector(
                compiled,
                threads=threads,
                batch_size=batch_size,
                decode=decode,
                runtime=name,
                precision=chosen,
                proposals=proposals,
                tiles=tiling,
            )
        except BoxableError as error:
            if number + 1 == len(names):
                raise
            logger.warning("%s/%s is skipped: %s", name, chosen, error)
    raise AssertionError("choices() returns one or more, or raises")


def _name(model: str | os.PathLike[str] | None) -> str | None:
    return None if model is None else os.fspath(model)


def _is_calibrated(compiled: Compiled) -> bool:
    try:
        compiled.calibration()
    except WeightsError as error:
        logger.warning("int8 is skipped: %s", error)
        return False
    return True
