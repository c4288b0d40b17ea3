"""Nothing leaves this machine unasked, and files appear only where Boxable keeps its own: traced by strace."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES
from tests.video.clips import cat_clip

# Each system call with its arguments, the folders of descriptors among them, is one line.
CALLS = "trace=network,?open,openat,?creat,?mkdir,mkdirat"
SENDS = re.compile(r"(?:connect|sendto|sendmsg|sendmmsg)\(.*AF_INET|/etc/resolv\.conf")
CREATES = re.compile(r"(?:open|creat|mkdir)(?:at)?\((?:(?:AT_FDCWD|\d+)<(?P<folder>.*?)>, )?\"(?P<path>.*?)\"")
# What moves a user's folders, or switches the telemetry of a library off.
UNSET = ("XDG_", "CI", "TF_BUILD", "JENKINS_URL", "ORT_", "BOXABLE_OFFLINE")

Trace = Callable[..., list[str]]


@pytest.fixture(scope="module", autouse=True)
def strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed; make strace installs it")
    if subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here")


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    """Run Python with a home folder of its own; returns the system calls that send, or create files elsewhere."""

    def run(*arguments: object, expected: int = 0, **environment: str) -> list[str]:
        for name in ("home", "temporary"):
            (tmp_path / name).mkdir()
        own = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "temporary"), "PYTHONDONTWRITEBYTECODE": "1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(UNSET)}
        command = ["strace", "-f", "--seccomp-bpf", "-y", "-qq", "-s", "4096", "-e", "signal=none", "-e", CALLS]
        done = subprocess.run(
            [*command, "-o", tmp_path / "calls", sys.executable, *map(str, arguments)],
            capture_output=True, text=True, env=kept | own | environment, cwd=tmp_path, timeout=300,
        )  # fmt: skip
        assert done.returncode == expected, done.stderr
        home = Path(os.environ["BOXABLE_HOME"])
        allowed = tuple(map(str, [home, *map(Path.resolve, home.iterdir()), own["TMPDIR"], "/dev/"]))
        lines = (tmp_path / "calls").read_text("utf-8", "replace").splitlines()
        return [line for line in lines if SENDS.search(line) or not (_created(line) or "/dev/").startswith(allowed)]

    return run


def _created(line: str) -> str | None:
    """Return the path that a call creates, or None."""
    call = CREATES.search(line)
    if call is None or not ("O_CREAT" in line or "mkdir" in call[0] or "creat(" in call[0]):
        return None
    return os.path.join(call["folder"] or "", call["path"])


@pytest.mark.parametrize(
    "program",
    [
        "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))",
        "import socket, contextlib\nwith contextlib.suppress(OSError): socket.getaddrinfo('host.invalid', 80)",
        "import pathlib; pathlib.Path('~/.id').expanduser().touch()",
        "import pathlib; pathlib.Path('~/folder').expanduser().mkdir()",
        "import os; os.open('.id', os.O_CREAT, dir_fd=os.open(os.path.expanduser('~'), 0))",
    ],
)
def test_the_trace_shows_what_it_must_not(trace: Trace, program: str) -> None:
    assert trace("-c", program)


LOAD = "import sys, boxable; boxable.load('ssd23', runtime=sys.argv[1])(sys.argv[2])"
PACKAGES = """
import sys, boxable
from boxable.video.tracking import Tracker
found = boxable.load('ssd23')(sys.argv[1], min_score=0.3)
found.to_pandas(), found.to_supervision(), Tracker(30.0).update(found, 0.0)
"""
FILES = """
import sys, boxable
boxable.evaluate(sys.argv[1], 'ssd23', 'coco', resamples=0)
list(boxable.detect_video(boxable.load("ssd23"), sys.argv[2]))
"""


@pytest.mark.parametrize(
    "arguments",
    [["-c", "import boxable; boxable.load"], ["-m", "boxable", "--help"], ["-m", "boxable", "doctor"],
     ["-m", "boxable", "detect", EXAMPLES / "coffee.png"]],
    ids=["import", "help", "doctor", "detect"],
)  # fmt: skip
def test_the_command_keeps_to_itself(trace: Trace, ssd23_weights: Path, arguments: list[object]) -> None:
    assert trace(*arguments) == []


@pytest.mark.parametrize(
    "runtime",
    ["onnxruntime", *(pytest.param(name, marks=pytest.mark.optional) for name in ("openvino", "litert", "torch"))],
)
def test_every_runtime_keeps_to_itself(trace: Trace, ssd23_weights: Path, runtime: str) -> None:
    assert trace("-c", LOAD, runtime, EXAMPLES / "coffee.png") == []


def test_evaluation_and_video_keep_to_themselves(trace: Trace, ssd23_weights: Path, tmp_path: Path) -> None:
    assert trace("-c", FILES, EXAMPLES, cat_clip(tmp_path / "cat.mp4", 2)) == []


@pytest.mark.optional
def test_optional_packages_keep_to_themselves(trace: Trace, ssd23_weights: Path) -> None:
    assert trace("-c", PACKAGES, EXAMPLES / "coffee.png") == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["detect", EXAMPLES / "coffee.png"], 0), (["detect", "https://example.com/photo.jpg"], 1),
     (["models", "pull", "ssd601"], 1), (["data", "fetch", "cats", "--split", "validation", "--classes", "Cat"], 1)],
    ids=["image", "url", "pull", "fetch"],
)  # fmt: skip
def test_offline_even_what_was_asked_for_is_not_sent(
    trace: Trace, ssd23_weights: Path, arguments: list[object], code: int
) -> None:
    assert trace("-m", "boxable", *arguments, expected=code, BOXABLE_OFFLINE="1") == []
