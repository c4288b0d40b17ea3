"""What the command changes in its own process; the library changes nothing in its host's."""

import ctypes
import io
import logging
import os
import sys
import warnings
from contextlib import suppress
from tempfile import TemporaryFile

from boxable.printing import one_line

# What LiteRT writes to stderr when it first opens something in a process; it has no setting against it.
_LITERT_NOTICE = b"INFO: Created TensorFlow Lite XNNPACK delegate"
# Parameters of glibc's mallopt.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def prepare_streams() -> None:
    """Replace streams that the shell has closed, and print names that are not text as escapes."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def prepare_logging() -> None:
    """Print log lines as messages of the command: those of Boxable, and warnings of others."""
    logging.basicConfig(level=logging.WARNING, format="boxable: %(message)s", handlers=[_Stderr()])
    logging.getLogger("boxable").setLevel(logging.INFO)


class _Stderr(logging.Handler):
    """Log lines as messages of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        print_message(one_line(self.format(record)))


def print_message(text: str) -> None:
    """Print to whatever stderr is at the time: a progress bar puts itself in its place.

    Where nobody reads it or the disk is full, this text and the rest are dropped: they are not worth the results.
    """
    try:
        print(text + "\n", end="", file=sys.stderr, flush=True)  # one write: several processes may print
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def silence_decoders() -> None:
    """Keep Pillow and libtiff from writing about images that Boxable reads all the same, or refuses with an error."""
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"PIL\.")  # of large images
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # of damaged metadata
    logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL)
    with suppress(ImportError, AttributeError, OSError):  # a Pillow without libtiff, or with a hidden one
        from PIL import _imaging

        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def silence_litert() -> None:
    """Open an interpreter, and drop LiteRT's notice, which it writes only once, from what stderr gets."""
    from boxable.networks.network import Graph
    from boxable.networks.ops import SpatialMean
    from boxable.networks.tflite_graph import build_tflite

    graph = Graph((SpatialMean("mean", "images"),), {"images": (1, 1, 1)}, {"mean": "mean"})
    with suppress(ImportError, OSError), TemporaryFile() as held:
        from ai_edge_litert.interpreter import Interpreter

        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            Interpreter(model_content=build_tflite(graph, {})).allocate_tensors()
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not line.startswith(_LITERT_NOTICE)))


def keep_freed_memory() -> None:
    """Let glibc keep the memory that is freed, instead of returning it to the system.

    A step of training allocates the same gigabyte again and again; with fresh pages for it everything takes 1.7 times
    as long. Other C libraries are left as they are.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 2**28)):
            mallopt(parameter, value)
