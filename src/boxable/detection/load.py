"""Open a model: `boxable.load`."""

import os

from boxable.detection.detector import Detector
from boxable.detection.options import Decode
from boxable.weights.model import Model
from boxable.weights.pull import graph_of
from boxable.weights.store import compile_model


def load(
    model: str | os.PathLike[str] | Model | None = None, *, threads: int | None = None, decode: Decode = "exact"
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

    Raises UnknownModelError for a name that nobody knows and WeightsError for weights that cannot be had or read.
    """
    if isinstance(model, Model):
        return Detector(compile_model(model), model.handle, threads=threads, decode=decode)
    name = None if model is None else os.fspath(model)
    return Detector(graph_of(name), name or "the default model", threads=threads, decode=decode)
