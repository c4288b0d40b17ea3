"""The models on this machine.

BOXABLE_HOME/
  models/<handle>/<sha256>.safetensors    weights and classes; the name is the hash of the content
  graphs/<key>/<sha256>.onnx              compiled graphs (`weights.compiled`)
  downloads/                              unfinished downloads
  unpacked/                               archives while they are read
  calibrated/<key>.json                   calibrations for int8 by `boxable quantize`
  fastest/<handle>.json                   speeds measured by `boxable bench --save`
  locks/                                  one process at a time installs a model
  trusted.json                            hashes of archives that were trusted on first use
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import filelock

from boxable.errors import ArgumentError, UnknownModelError, WeightsError
from boxable.files import writing
from boxable.hashing import hash_of_file, sha256_of
from boxable.settings import home
from boxable.vocabulary.selection import Selection
from boxable.weights.calibrations import calibration_of, key_of
from boxable.weights.compiled import Compiled
from boxable.weights.model import Model, read_description

SUFFIXES = (".onnx", ".safetensors")
# The model in the folder of a checkpoint, and the checkpoint in the folder of a training run that is its result.
CHECKPOINT_FILE, BEST = "model.safetensors", "best"
MAX_HEADER_BYTES = 2**22
_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*(/[A-Za-z0-9][A-Za-z0-9._@-]*)*")


def installed(handle: str) -> Path | None:
    """Return the file with the weights installed under this handle, or None. Its content is not checked here."""
    files = sorted(_folder(handle).glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    return files[-1] if files else None


def installed_handles() -> list[str]:
    """List the handles under which models are installed, in order."""
    folders = sorted((home() / "models").glob("*"))
    return [folder.name.replace("--", "/") for folder in folders if any(folder.glob("*.safetensors"))]


def check_handle(handle: str) -> str:
    """Return the handle. Raises ArgumentError if no model can be installed under it."""
    if not _HANDLE.fullmatch(handle) or any(pair in handle for pair in ("--", "-/", "/-")) or len(handle) > 100:
        raise ArgumentError(f"{handle!r} cannot be the name of a model; use letters, digits, . _ - and / between them")
    return handle


def install(model: Model) -> Path:
    """Install a model under its handle, replacing one that is there; returns its file."""
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
    """Tell whether the content of an installed file has the hash that is its name."""
    return sha256_of(read_file(path)) == path.stem


def compiled_installed(path: Path, name: str, classes: Selection | None = None) -> Compiled:
    """Open a model installed under this name. Its content is checked when it is read: WeightsError if damaged."""
    reopen = partial(compiled_installed, path, name, classes)
    try:
        return _compiled(path, name, lambda: read_installed(path), path.stem, classes, reopen)
    except WeightsError:
        read_installed(path)  # says what to do about a damaged file
        raise


def model_file(path: Path) -> Path:
    """Return the file of a user's model: of a folder the checkpoint in it, or that of the best step of a training run.

    Raises UnknownModelError where it is no file that Boxable writes.
    """
    if path.is_dir():
        places = (path / CHECKPOINT_FILE, path / BEST / CHECKPOINT_FILE)
        found = next((place for place in places if place.is_file()), None)
    else:
        found = path if path.suffix in SUFFIXES else None
    if found is None:
        raise UnknownModelError(
            f"{path}: expected a model's name or a file that Boxable wrote ({' or '.join(SUFFIXES)}), or a folder with "
            f"{CHECKPOINT_FILE} or {BEST}/{CHECKPOINT_FILE} in it; `boxable import` reads other formats"
        )
    return found


def compiled_file(path: Path, classes: Selection | None = None) -> Compiled:
    """Open a user's model: a .onnx or .safetensors file, or a folder with one (`model_file`).

    Raises UnknownModelError for other files, and WeightsError.
    """
    path = model_file(path)
    data, reopen = read_file(path), partial(compiled_file, path.absolute(), classes)
    if path.suffix == ".onnx":
        from boxable.weights.onnx_file import OnnxFile  # imports onnx

        return OnnxFile(data, str(path), classes, reopen)
    return _compiled(path, str(path), lambda: data, sha256_of(data), classes, reopen)


def _compiled(
    path: Path, name: str, read: Callable[[], bytes], digest: str, classes: Selection | None,
    reopen: Callable[[], Compiled],
) -> Compiled:  # fmt: skip
    try:
        with path.open("rb") as file:
            head = file.read(8)
            head += file.read(min(int.from_bytes(head, "little"), MAX_HEADER_BYTES))
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it ({error.strerror or error})") from None
    return Compiled(
        name, read_description(head, name), lambda: Model.from_bytes(read(), name),
        lambda: calibration_of(key_of(path, read()), name), reopen=reopen, digest=digest, classes=classes,
    )  # fmt: skip


def read_installed(path: Path) -> bytes:
    """Read an installed file. Raises WeightsError if its hash is wrong."""
    data = read_file(path)
    if sha256_of(data) != path.stem:
        raise WeightsError(
            f"{path} is damaged; run `boxable models pull` for that model to install it again, or import it"
        )
    return data


def read_file(path: Path) -> bytes:
    """Read a file. Raises WeightsError, which names it, if it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it ({error.strerror or error})") from None


@contextmanager
def lock(handle: str) -> Iterator[None]:
    """Hold the lock of a model: other processes wait."""
    path = home() / "locks" / f"{_slug(handle)}.lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        waiting = filelock.FileLock(path)
        waiting.acquire()
    try:
        yield
    finally:
        waiting.release()


def _folder(handle: str) -> Path:
    return home() / "models" / _slug(handle)


def _slug(handle: str) -> str:
    return handle.replace("/", "--")
