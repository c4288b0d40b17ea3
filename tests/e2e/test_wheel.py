"""The wheel, in an environment of its own, detects."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import EXAMPLES, ROOT


def run(*command: object, **options: object) -> str:
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, result.stdout + result.stderr
    return str(result.stdout)


def test_the_built_wheel_installs_and_detects(tmp_path: Path, ssd23_weights: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    binaries = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run(binaries / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for verb in (["--help"], ["detect", "--help"], ["--version"]):
        assert "boxable" in run(binaries / "boxable", *verb, cwd=tmp_path, env=environment)
    found = run(
        binaries / "boxable", "detect", EXAMPLES / "chelsea.png", "--model", "ssd23", "--format", "csv",
        cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert [line.split(",")[4] for line in found.splitlines()] == ["name", "Cat"]
