"""The models on this machine, and their compiled graphs.

BOXABLE_HOME/
  models/<handle>/<sha256>.safetensors    weights and classes; the name is the hash of the content
  graphs/<key>/<sha256>.onnx              what runtimes read; made from the weights, can be deleted
  downloads/                              unfinished downloads
  unpacked/                               archives while they are read
  calibrated/<key>.json                   what `boxable quantize` measured for int8
  trials/<key>.json                       the fastest runtime and precision, as tried; without it they are tried again
  locks/                                  one process at a time installs a model
  trusted.json                            hashes of archives that were trusted when they were first seen
"""

import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from boxable.errors import ArgumentError, BoxableError, UnknownModelError, WeightsError
from boxable.files import write_atomically, writing
from boxable.hashing import hash_of_file, sha256_of
from boxable.networks.calibration import Calibration
from boxable.networks.layers import GRAPH_VERSION
from boxable.settings import home
from boxable.weights.calibrations import calibration_of, weights_hash
from boxable.weights.model import Model

logger = logging.getLogger("boxable")

SUFFIXES = (".onnx", ".safetensors")
_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*(/[A-Za-z0-9][A-Za-z0-9._@-]*)*")


def installed(handle: str) -> Path | None:
    """The file with the weights installed under this handle, or None. Its content is not checked here."""
    files = sorted(_folder(handle).glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    return files[-1] if files else None


def installed_handles() -> list[str]:
    """The handles under which models are installed, in order."""
    folders = sorted((home() / "models").glob("*"))
    return [folder.name.replace("--", "/") for folder in folders if any(folder.glob("*.safetensors"))]


def check_handle(handle: str) -> str:
    """The handle, if a model can be installed under it; else ArgumentError."""
    if not _HANDLE.fullmatch(handle) or any(pair in handle for pair in ("--", "-/", "/-")) or len(handle) > 100:
        raise ArgumentError(f"{handle!r} cannot be the name of a model; use letters, digits, . _ - and / between them")
    return handle


def install(model: Model) -> Path:
    """Store a model under its handle, in place of one that was there; returns its file."""
    folder = _folder(check_handle(model.handle))
    for left in folder.glob(".*.part"):  # of a process that was killed
        left.unlink(missing_ok=True)
    unnamed = folder / "unnamed"
    model.save(unnamed)  # not through memory: weights are large
    path = folder / f"{hash_of_file(unnamed)}.safetensors"
    with writing(path):
        unnamed.replace(path)
    for other in folder.glob("*.safetensors"):
        if other != path:
            with writing(other):
                other.unlink()
    return path


def is_whole(path: Path) -> bool:
    """Whether an installed file has the content that its name promises."""
    return sha256_of(read_file(path)) == path.stem


def graph_of_file(path: Path, *, int8: bool = False) -> bytes:
    """The ONNX graph of a user's .onnx or .safetensors file. Raises UnknownModelError for other files."""
    if path.suffix not in SUFFIXES:
        raise UnknownModelError(
            f"{path}: expected a model's name or a file that Boxable wrote ({' or '.join(SUFFIXES)}); "
            "other forms of a detector are taken in by `boxable import`"
        )
    data = read_file(path)
    if path.suffix == ".onnx":
        if int8:
            raise WeightsError(f"{path}: an ONNX file is run as it is; for int8 give the .safetensors file")
        return data
    return _graph(sha256_of(data), lambda: data, str(path), int8=int8)


def graph_of_installed(path: Path, name: str, *, int8: bool = False) -> bytes:
    """The ONNX graph of a model installed under this name. Raises WeightsError if its file is damaged."""
    return _graph(path.stem, lambda: read_installed(path), name, int8=int8)


def read_installed(path: Path) -> bytes:
    """The content of an installed file. Raises WeightsError if it is not the one that was installed."""
    data = read_file(path)
    if sha256_of(data) != path.stem:
        raise WeightsError(
            f"{path} is damaged; run `boxable models pull` for that model to install it again, or import it"
        )
    return data


def compile_model(model: Model, calibration: Calibration | None = None) -> bytes:
    """Build the ONNX graph of a model, with its classes in the metadata; in int8 if a calibration is given."""
    from boxable.networks.onnx_graph import build_onnx  # draws in onnx, which a cached graph does not need

    return build_onnx(model.network, model.weights, model.description.to_metadata(), calibration=calibration)


def read_file(path: Path) -> bytes:
    """The content of a file. Raises WeightsError, which names it, if it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it ({error.strerror or error})") from None


@contextmanager
def lock(handle: str) -> Iterator[None]:
    """One process at a time; a second one waits."""
    path = home() / "locks" / f"{_slug(handle)}.lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        waiting = filelock.FileLock(path)
        waiting.acquire()
    try:
        yield
    finally:
        waiting.release()


def _graph(digest: str, content: Callable[[], bytes], name: str, *, int8: bool) -> bytes:
    """The graph of the model whose file has this hash, out of the cache or built now."""
    calibration = calibration_of(weights_hash(content()), name) if int8 else None
    mark = "" if calibration is None else f"-int8-{sha256_of(json.dumps(calibration.to_dict()).encode())[:8]}"
    folder = home() / "graphs" / f"{digest[:20]}-{GRAPH_VERSION}{mark}"
    graph = _cached(folder)
    if graph is not None:
        return graph
    try:
        graph = compile_model(Model.from_bytes(content(), name), calibration)
    except (KeyError, ValueError, IndexError):
        if calibration is None:
            raise
        raise WeightsError(
            f"{name}: its calibration for int8 does not fit its weights; run `boxable quantize` again"
        ) from None
    try:
        write_atomically(folder / f"{sha256_of(graph)}.onnx", graph)
    except BoxableError as error:
        logger.warning("%s; going on without a cached graph", error)
    return graph


def _cached(folder: Path) -> bytes | None:
    """The graph in this folder; a damaged one is removed."""
    for path in folder.glob("*.onnx"):
        with suppress(OSError):  # another process may remove it; a cache may be read-only
            graph = path.read_bytes()
            if sha256_of(graph) == path.stem:
                return graph
            logger.warning("a cached graph is damaged; building it again")
            path.unlink()
    return None


def _folder(handle: str) -> Path:
    return home() / "models" / _slug(handle)


def _slug(handle: str) -> str:
    return handle.replace("/", "--")
