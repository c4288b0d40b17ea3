"""Indexes of the tests go where each test has its files."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))
