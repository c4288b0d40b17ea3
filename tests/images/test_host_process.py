"""The library changes nothing in the process that uses it."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

PROGRAM = """
import logging, os, sys, warnings
import numpy, onnxruntime, PIL.Image, PIL.TiffImagePlugin  # which change what they like
before = (list(warnings.filters), dict(os.environ), logging.getLogger().level)
levels = lambda: {name: logger.level for name, logger in logging.Logger.manager.loggerDict.items()
                  if isinstance(logger, logging.Logger)}
own, limit = levels(), PIL.Image.MAX_IMAGE_PIXELS
filters = list(warnings.filters)
import boxable, boxable.detection.load, boxable.runtimes.onnx_runtime
from boxable.images.sources import Source
for path in sys.argv[1:]:
    try:
        Source.from_path(path).pixels()
    except boxable.ImageError:
        pass
boxable.runtimes.onnx_runtime.has_provider("CPUExecutionProvider")
assert list(warnings.filters) == filters
assert dict(os.environ) == before[1]
assert logging.getLogger().level == before[2]
assert {name: levels()[name] for name in own} == own
assert PIL.Image.MAX_IMAGE_PIXELS == limit
"""


def test_importing_and_decoding_leave_filters_levels_and_environment_unchanged(tmp_path: Path) -> None:
    damaged, large = tmp_path / "damaged.tif", tmp_path / "large.png"
    Image.new("RGB", (64, 64)).save(damaged, compression="tiff_lzw")
    damaged.write_bytes(damaged.read_bytes()[:-40])
    Image.new("1", (15_000, 15_000)).save(large)
    done = subprocess.run([sys.executable, "-c", PROGRAM, damaged, large], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
