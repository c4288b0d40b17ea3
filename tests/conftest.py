"""What all tests share: the reference numbers, a detector, and the command as a user runs it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import boxable
from boxable import settings
from boxable.errors import WeightsError
from boxable.settings import offline
from boxable.weights.cards import find_card
from boxable.weights.pull import pull
from tests.file_server import FileServer, serving

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
DATA = ROOT.parent / "shared" / "data"
REFERENCE = ROOT.parent / "shared" / "reference"


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a home of its own that shares nothing but weights: compiled graphs of others prove nothing."""
    shared = settings.home()
    own = tempfile.TemporaryDirectory(prefix="boxable-tests-")
    for name in ("models", "downloads", "locks", "benchmarks"):
        (shared / name).mkdir(parents=True, exist_ok=True)
        Path(own.name, name).symlink_to(shared / name)
    os.environ["BOXABLE_HOME"] = own.name
    config.add_cleanup(own.cleanup)


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of numbers recorded from the original; tests that need it skip where it is absent."""
    if not REFERENCE.is_dir():
        pytest.skip("the recorded reference numbers are not beside this checkout")
    return REFERENCE


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of small sets of annotated images; tests that need it skip where it is absent."""
    if not DATA.is_dir():
        pytest.skip("the annotated photos are not beside this checkout")
    return DATA


@pytest.fixture(scope="session")
def ssd23_weights() -> Path:
    """The installed weights of the 23-class network, fetched if need be."""
    try:
        return pull(find_card("ssd23"))
    except WeightsError as error:
        if not offline():
            raise
        pytest.skip(f"BOXABLE_OFFLINE is set: {error}")


@pytest.fixture(scope="session")
def detector(ssd23_weights: Path) -> boxable.Detector:
    return boxable.load("ssd23")


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, with nothing in it, and no network."""
    home = tmp_path / "home"
    monkeypatch.setenv("BOXABLE_HOME", str(home))
    monkeypatch.setenv("BOXABLE_OFFLINE", "1")
    return home


Command = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="session")
def command() -> Command:
    """Run `boxable` with these arguments in a process of its own."""

    def run(*arguments: object, input: bytes = b"", env: dict[str, str] | None = None, cwd: Path | None = None,
            timeout: float = 120) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "boxable", *map(str, arguments)],
            input=input, capture_output=True, env=os.environ | (env or {}), cwd=cwd, timeout=timeout,
        )  # fmt: skip

    return run


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as files:
        yield files


@pytest.fixture
def home(empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache with a network, which ends at this machine: no proxy, no npm."""
    monkeypatch.delenv("BOXABLE_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return empty_home
