"""Boxable finds objects in pictures with the detectors that Google trained on Open Images.

import boxable

detector = boxable.load()
for found in detector("photo.jpg", min_score=0.3):
    print(found.name, found.score, found.box)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "BoxableError",
    "Detections",
    "Detector",
    "Model",
    "__version__",
    "compare",
    "detect_video",
    "evaluate",
    "load",
    "openimages",
]

if TYPE_CHECKING:
    from boxable import openimages
    from boxable.detection.detections import Detections
    from boxable.detection.detector import Detector
    from boxable.detection.load import load
    from boxable.errors import BoxableError
    from boxable.evaluation.compare import compare_folders as compare
    from boxable.evaluation.job import evaluate
    from boxable.video.detect import detect_video
    from boxable.weights.model import Model

# Public name -> where it lives, and what it is called there; "" for the whole of it.
_HOMES = {
    "BoxableError": ("boxable.errors", "BoxableError"),
    "Detections": ("boxable.detection.detections", "Detections"),
    "Detector": ("boxable.detection.detector", "Detector"),
    "Model": ("boxable.weights.model", "Model"),
    "compare": ("boxable.evaluation.compare", "compare_folders"),
    "detect_video": ("boxable.video.detect", "detect_video"),
    "evaluate": ("boxable.evaluation.job", "evaluate"),
    "load": ("boxable.detection.load", "load"),
    "openimages": ("boxable.openimages", ""),
}


def __getattr__(name: str) -> Any:
    # PEP 562: `import boxable` costs nothing, each part is loaded where it is first used.
    if name not in _HOMES:
        raise AttributeError(f"module 'boxable' has no attribute {name!r}")
    module, own_name = _HOMES[name]
    value = import_module(module)
    if own_name:
        value = getattr(value, own_name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
