"""The public names, their types, and the cost of importing them."""

import importlib.util
import os
import pickle
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import boxable
from boxable import errors
from tests.conftest import ROOT


def test_the_public_names_are_sorted_and_those_that_dir_lists() -> None:
    assert boxable.__all__ == sorted(set(boxable.__all__))
    assert dir(boxable) == boxable.__all__


def test_every_public_name_can_be_imported_and_no_other_is_bound() -> None:
    code = (
        "import sys, boxable\n"
        "for name in boxable.__all__: getattr(boxable, name)\n"
        "bound = {name for name in vars(boxable) if name == '__version__' or not name.startswith('_')}\n"
        "print(*bound - {name for name in bound if f'boxable.{name}' in sys.modules})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    own = {"TYPE_CHECKING", "Any", "import_module"}
    assert set(result.stdout.split()) == (set(boxable.__all__) - {"openimages"}) | own


def test_type_checkers_see_the_same_objects_under_the_same_names() -> None:
    found = runpy.run_path(str(ROOT / "docs" / "python.py"))["public_imports"]()
    assert sorted([*found, "__version__"]) == boxable.__all__
    for name, (module, own) in found.items():
        value = importlib.import_module(module)
        assert getattr(boxable, name) is (getattr(value, own) if own else value), name


def test_every_error_is_public() -> None:
    found = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert found == {name for name in boxable.__all__ if name.endswith("Error")}


@pytest.mark.parametrize("name", sorted(set(boxable.__all__) - {"__version__", "ImageLike", "openimages"}))
def test_a_public_object_reports_itself_as_public_and_can_be_pickled(name: str) -> None:
    value = getattr(boxable, name)
    assert (value.__module__, value.__name__, value.__qualname__) == ("boxable", name, name)
    assert pickle.loads(pickle.dumps(value)) is value


def test_what_was_pickled_is_loaded_by_a_process_that_has_used_no_public_name() -> None:
    data = pickle.dumps([boxable.ImageError("bad.png: damaged"), boxable.Detection(1, "/m/1", "a", 0.5, (0, 0, 1, 1))])
    code = f"import pickle; error, found = pickle.loads({data!r}); print(type(error), error, found)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("<class 'boxable.ImageError'> bad.png: damaged Detection(label_id=1, mid='/m/1'")


def test_a_program_of_a_user_type_checks() -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    # Errors in the package itself are for `make lint`; stubs of its dependencies need not be installed here.
    options = ["--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={ROOT / 'build' / 'mypy'}"]
    environment = os.environ | {"MYPYPATH": str(Path(boxable.__file__).parent.parent)}
    command = [sys.executable, "-m", "mypy", *options, str(ROOT / "tests" / "typed_program.py")]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT / "examples")
    assert result.stdout == "Success: no issues found in 1 source file\n", result.stdout + result.stderr


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
    # onnx builds graphs; a cached graph does not need it.
    assert not modules & {"torch", "tensorflow", "onnx", "ray", "httpx", "rich", "tflite"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(boxable, "lod")
