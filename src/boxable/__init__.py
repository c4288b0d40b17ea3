"""Boxable finds objects in pictures with the detectors that Google trained on Open Images.

import boxable

detector = boxable.load()
for found in detector("photo.jpg", min_score=0.3):
    print(found.name, found.score, found.box)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["BoxableError", "Detections", "Detector", "Model", "__version__", "load"]

if TYPE_CHECKING:
    from boxable.detection.detections import Detections
    from boxable.detection.detector import Detector
    from boxable.detection.load import load
    from boxable.errors import BoxableError
    from boxable.weights.model import Model

_HOMES = {
    "BoxableError": "boxable.errors",
    "Detections": "boxable.detection.detections",
    "Detector": "boxable.detection.detector",
    "Model": "boxable.weights.model",
    "load": "boxable.detection.load",
}


def __getattr__(name: str) -> Any:
    # PEP 562: `import boxable` costs nothing, each part is loaded where it is first used.
    if name not in _HOMES:
        raise AttributeError(f"module 'boxable' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
