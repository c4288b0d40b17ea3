"""The 601-class network in the forms that the original itself writes.

They are made by the reference's build.py, in an environment with TensorFlow: `make test-tensorflow` does both.
"""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def original() -> Path:
    """Folder with checkpoint/, frozen_inference_graph.pb, saved_model/, hub_constants/ and sharded/."""
    folder = Path(os.environ.get("BOXABLE_ORIGINAL", "build/original"))
    if not (folder / "hub_constants" / "saved_model.pb").exists():
        pytest.skip("the original's files are not there; run: make test-tensorflow")
    return folder
