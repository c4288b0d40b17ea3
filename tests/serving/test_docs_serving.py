"""The commands of docs/serving.md are answered."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES
from tests.serving.conftest import Server

pytestmark = pytest.mark.serving
ROOT = EXAMPLES.parent
TEXT = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKS = [block for block in re.findall(r"^```\w*\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL) if "curl " in block]


def test_each_protocol_has_commands() -> None:
    assert all(any(path in block for block in BLOCKS) for path in ("/v1/detect", ":predict", "/v2/models"))


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("block", BLOCKS)
def test_commands_are_answered(server: Server, tmp_path: Path, block: str) -> None:
    address, image = server.address.removeprefix("http://"), tmp_path / "found.jpg"
    block = block.replace("127.0.0.1:8000", address).replace("-o found.jpg", f"-o '{image}'")
    script = "set -e -o pipefail\n" + block.replace("curl ", "curl --silent --show-error --fail ")
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert ("found.jpg" in block) == image.exists()
