"""Open a model: `boxable.load`."""

import os

from boxable.detection.detector import Detector
from boxable.weights.model import Model
from boxable.weights.pull import graph_of
from boxable.weights.store import compile_model


def load(model: str | os.PathLike[str] | Model | None = None, *, threads: int | None = None) -> Detector:
    """Open a model by handle, alias or TF-Hub URL, from a file that Boxable wrote, or from a Model.

    Without an argument: the 601-class network if its weights are installed, else the 23-class one, which is
    fetched by itself; a line on the log says which. `threads` share the work on a single picture, and in lists
    and streams each has pictures of its own; None: one a core. Raises UnknownModelError for a name that nobody
    knows and WeightsError for weights that cannot be had or read.
    """
    if isinstance(model, Model):
        return Detector(compile_model(model), model.handle, threads=threads)
    name = None if model is None else os.fspath(model)
    return Detector(graph_of(name), name or "the default model", threads=threads)
