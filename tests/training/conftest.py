from collections.abc import Callable
from importlib.util import find_spec

import pytest

from tests.cli.conftest import Invoke, Outcome
from tests.cli.conftest import invoke as invoke

# Without torch none of these can be imported.
collect_ignore_glob = [] if find_spec("torch") and find_spec("torchvision") else ["test_*.py"]

# What a run in a test does, unless it says otherwise.
QUICK = ("--from", "ssd23", "--train", "head", "--steps", "2", "--batch-size", "2", "--workers", "0")

Train = Callable[..., Outcome]


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/training/" in item.path.as_posix():
            item.add_marker(pytest.mark.training)


@pytest.fixture
def train(invoke: Invoke, ssd23_weights: object) -> Train:
    """Run `boxable train` with these arguments, quickly; options that are there twice count as the last."""
    return lambda *arguments: invoke("train", *QUICK, *arguments)
