from importlib.util import find_spec

import pytest

# Without torch none of these can be imported.
collect_ignore_glob = [] if find_spec("torch") and find_spec("torchvision") else ["test_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/training/" in item.path.as_posix():
            item.add_marker(pytest.mark.training)
