"""The command, run in the process of the tests: its own process costs half a second a time."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from boxable.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a run printed, and its exit code."""

    stdout: str
    stderr: str
    code: int

    @property
    def lines(self) -> list[str]:
        """Of stdout."""
        return self.stdout.splitlines()


Invoke = Callable[..., Outcome]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Invoke]:
    """Run `boxable` with these arguments. Log lines do not come on its stderr; they do in a process of its own."""
    logger = logging.getLogger("boxable")
    level = logger.level

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["boxable", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return Outcome(*capsys.readouterr(), end.value.code)

    yield run
    logger.setLevel(level)  # main changes it
