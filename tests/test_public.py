"""The public surface, and that importing it costs next to nothing."""

import subprocess
import sys

import boxable


def test_the_public_names_are_sorted_and_importable() -> None:
    assert boxable.__all__ == sorted(boxable.__all__)
    for name in boxable.__all__:
        assert getattr(boxable, name) is not None
    assert dir(boxable) == boxable.__all__


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, boxable; print(*sys.modules)"
    modules = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not modules & {"torch", "tensorflow", "onnxruntime", "onnx", "ray", "numpy", "PIL", "httpx", "rich"}


def test_detecting_loads_neither_tensorflow_nor_torch(detector: boxable.Detector) -> None:
    code = "import sys, numpy, boxable; boxable.load('ssd23')(numpy.zeros((9, 9, 3), 'uint8')); print(*sys.modules)"
    modules = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "onnxruntime" in modules
    # onnx builds graphs; one that is cached needs it no more.
    assert not modules & {"torch", "tensorflow", "onnx", "ray", "httpx", "rich", "tflite"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(boxable, "lod")
