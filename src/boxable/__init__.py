"""Boxable detects objects in images with the detectors that Google trained on Open Images.

import boxable

detector = boxable.load()
for found in detector("photo.jpg"):
    print(found.name, found.score, found.box)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boxable import openimages as openimages
    from boxable.client import AsyncClient as AsyncClient
    from boxable.client import Client as Client
    from boxable.detection.detections import Detection as Detection
    from boxable.detection.detections import Detections as Detections
    from boxable.detection.detector import Detector as Detector
    from boxable.detection.load import load as load
    from boxable.errors import ArgumentError as ArgumentError
    from boxable.errors import BoxableError as BoxableError
    from boxable.errors import FetchError as FetchError
    from boxable.errors import HashError as HashError
    from boxable.errors import ImageError as ImageError
    from boxable.errors import MissingExtraError as MissingExtraError
    from boxable.errors import RefusedError as RefusedError
    from boxable.errors import UnknownClassError as UnknownClassError
    from boxable.errors import UnknownModelError as UnknownModelError
    from boxable.errors import VideoError as VideoError
    from boxable.errors import WeightsError as WeightsError
    from boxable.evaluation.evaluate_files import evaluate as evaluate
    from boxable.fusion.fuse import fuse as fuse
    from boxable.images.decode import Limits as Limits
    from boxable.images.sources import ImageLike as ImageLike
    from boxable.images.sources import Source as Source
    from boxable.metrics.compare import Comparison as Comparison
    from boxable.metrics.compare import Difference as Difference
    from boxable.metrics.compare import compare_folders as _compare
    from boxable.metrics.evaluate import ClassResult as ClassResult
    from boxable.metrics.evaluate import Evaluation as Evaluation
    from boxable.openimages import Dataset as Dataset
    from boxable.openimages import Shard as Shard
    from boxable.openimages import Targets as Targets
    from boxable.training.train import TrainingResult as TrainingResult
    from boxable.training.train import train as train
    from boxable.video.detect import FrameDetections as FrameDetections
    from boxable.video.detect import detect_video as detect_video
    from boxable.vocabulary import ClassList as ClassList
    from boxable.vocabulary import ObjectClass as ObjectClass
    from boxable.weights.model import Model as Model

    compare = _compare

__version__ = "0.1.0"

# Module -> its public names; `own:public` where they differ, `:public` for the module itself.
_NAMES = {
    "boxable.client": "AsyncClient Client",
    "boxable.detection.detections": "Detection Detections",
    "boxable.detection.detector": "Detector",
    "boxable.detection.load": "load",
    "boxable.errors": "ArgumentError BoxableError FetchError ImageError MissingExtraError RefusedError "
    "UnknownClassError UnknownModelError VideoError WeightsError HashError",
    "boxable.metrics.compare": "Comparison Difference compare_folders:compare",
    "boxable.metrics.evaluate": "ClassResult Evaluation",
    "boxable.evaluation.evaluate_files": "evaluate",
    "boxable.fusion.fuse": "fuse",
    "boxable.images.decode": "Limits",
    "boxable.images.sources": "ImageLike Source",
    "boxable.openimages": ":openimages Dataset Shard Targets",
    "boxable.training.train": "TrainingResult train",
    "boxable.video.detect": "FrameDetections detect_video",
    "boxable.vocabulary": "ClassList ObjectClass",
    "boxable.weights.model": "Model",
}
# Public name -> (module, name there).
_HOMES = {
    public: (module, own if colon else public)
    for module, names in _NAMES.items()
    for own, colon, public in (name.rpartition(":") for name in names.split())
}
__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    # PEP 562: `import boxable` costs nothing; a module is loaded when one of its names is first used.
    if name not in _HOMES:
        raise AttributeError(f"module 'boxable' has no attribute {name!r}")
    home, own = _HOMES[name]
    module: Any = import_module(home)
    value = getattr(module, own) if own else module
    if str(getattr(value, "__module__", "")).startswith("boxable."):
        value.__module__, value.__name__, value.__qualname__ = "boxable", name, name
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
