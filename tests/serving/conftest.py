"""Servers that run as users run them, and a client of each."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conftest import EXAMPLES

CHELSEA = EXAMPLES / "chelsea.png"
_START_S, _STOP_S = 60, 30


@dataclass(frozen=True, slots=True)
class Server:
    """A server process, its address, and a client that keeps its connections."""

    process: "subprocess.Popen[str]"
    address: str
    client: httpx.Client
    log: Path


Start = Callable[..., AbstractContextManager[Server]]


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """Run `boxable serve` on a free port until the block ends."""
    log = folder / "log.txt"
    command = [sys.executable, "-m", "boxable", "serve", "--models", "ssd23", "--port", "0", *options]
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, text=True)
    try:
        address = _address(process, log)
        with httpx.Client(base_url=address, timeout=30) as client:
            _wait_until_ready(process, client, log)
            yield Server(process, address, client, log)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        finally:
            process.kill()


def _address(process: "subprocess.Popen[str]", log: Path) -> str:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        match = re.search(r"http://\S+", log.read_text())
        if match:
            return match[0]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def _wait_until_ready(process: "subprocess.Popen[str]", client: httpx.Client, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def server(ssd23_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def start(ssd23_weights: Path, tmp_path: Path) -> Start:
    """Start a server of the test's own: `with start("--workers", "2") as server`."""
    return lambda *options: serving(tmp_path, *options)


def wait_for(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
