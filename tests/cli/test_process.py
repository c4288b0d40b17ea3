"""What the command changes in its own process."""

import subprocess
import sys

import pytest

PROGRAM = """
import re
import sys
from pathlib import Path

import numpy as np

from boxable.cli.process import keep_freed_memory


def resident_mb() -> int:
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024


if sys.argv[1] == "kept":
    keep_freed_memory()
before = resident_mb()
np.ones(2**26, np.uint8)
print(resident_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is expected on Linux")
@pytest.mark.parametrize(("argument", "least", "most"), [("kept", 60, 80), ("returned", -5, 10)])
def test_freed_memory_is_kept_when_asked_for(argument: str, least: int, most: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, argument], capture_output=True, text=True, check=True)
    assert least <= int(done.stdout) <= most
