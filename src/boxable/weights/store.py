"""The models on this machine, and their compiled graphs.

BOXABLE_HOME/
  models/<handle>/<sha256>.safetensors    weights and classes; the name is the hash of the content
  graphs/<key>/<sha256>.onnx              what runtimes read; made from the weights, can be deleted
  downloads/                              unfinished downloads
  locks/                                  one process at a time installs a model
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from boxable.errors import BoxableError, UnknownModelError, WeightsError
from boxable.files import write_atomically, writing
from boxable.networks.layers import GRAPH_VERSION
from boxable.settings import home
from boxable.weights.acquire import acquire
from boxable.weights.cards import DEFAULT_HANDLE, FALLBACK_HANDLE, Card, find_card, get_card
from boxable.weights.download import sha256_of
from boxable.weights.model import Model

logger = logging.getLogger("boxable")

_SUFFIXES = (".onnx", ".safetensors")


def installed(card: Card) -> Path | None:
    """The file with the weights of this card, or None. Its content is not checked here."""
    return next(iter(sorted(_folder(card).glob("*.safetensors"))), None)


def pull(card: Card, local: Path | None = None) -> Path:
    """Install the weights of a card, unless they are there and whole; returns their file.

    `local` is a file or folder of the user's to take them from. Raises WeightsError if they cannot be had.
    """
    with _lock(_slug(card)):
        path = installed(card)
        if path is not None:
            if sha256_of(_read(path)) == path.stem:
                return path
            logger.warning("%s: the installed weights are damaged; installing them again", card.alias)
            with writing(path):
                path.unlink()
        if not card.can_be_fetched:
            raise WeightsError(f"the weights of {card.handle} are not installed: {how_to_get(card)}")
        from boxable.weights.tflite_file import read_tflite  # only installing needs it

        weights = read_tflite(acquire(card, local), card.handle)
        data = Model(card.network, weights, card.classes, card.handle).to_bytes()
        path = _folder(card) / f"{sha256_of(data)}.safetensors"
        write_atomically(path, data)
        return path


def default_card() -> Card:
    """The 601-class network if it is installed, else the 23-class one; says so in one line if it is that."""
    default, fallback = find_card(DEFAULT_HANDLE), find_card(FALLBACK_HANDLE)
    if installed(default):
        return default
    logger.warning(
        "using %s (%d classes): the weights of the %d-class network are not installed; "
        "`boxable models info %s` tells how to get them",
        fallback.alias, len(fallback.classes), len(default.classes), default.alias,
    )  # fmt: skip
    return fallback


def graph_of(name: str | None) -> bytes:
    """The ONNX graph of a model: a handle, an alias, a TF-Hub URL, a file of ours, or None for the default.

    A known model that is not installed is fetched if this version can. Raises UnknownModelError, WeightsError.
    """
    if name is not None and get_card(name) is None and (os.path.exists(name) or name.endswith(_SUFFIXES)):
        return _graph_of_users_file(Path(name))
    card = default_card() if name is None else find_card(name)
    path = installed(card)
    if path is None:
        path = pull(card)
    return _graph(path.stem, lambda: _installed_content(path))


def how_to_get(card: Card) -> str:
    """One sentence for somebody who has not got the weights."""
    if card.can_be_fetched:
        return f"run: boxable models pull {card.alias}"
    return (
        f"this version of Boxable cannot fetch them yet; Google published them at {card.source.addresses[0]}. "
        f"Until they can be imported, use {find_card(FALLBACK_HANDLE).alias}, which is fetched by itself"
    )


def compile_model(model: Model) -> bytes:
    """Build the ONNX graph of a model, with its classes in the metadata."""
    from boxable.networks.onnx_graph import build_onnx  # draws in onnx, which a cached graph does not need

    return build_onnx(model.network, model.weights, model.description.to_metadata())


def _graph_of_users_file(path: Path) -> bytes:
    if path.suffix not in _SUFFIXES:
        raise UnknownModelError(
            f"{path}: expected a model's name or a file that Boxable wrote ({' or '.join(_SUFFIXES)})"
        )
    data = _read(path)
    if path.suffix == ".onnx":
        return data
    return _graph(sha256_of(data), lambda: data, str(path))


def _graph(digest: str, content: Callable[[], bytes], name: str = "the installed weights") -> bytes:
    """The graph of the weights with this hash, out of the cache or built now."""
    folder = home() / "graphs" / f"{digest[:20]}-{GRAPH_VERSION}"
    graph = _cached(folder)
    if graph is not None:
        return graph
    graph = compile_model(Model.from_bytes(content(), name))
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


def _installed_content(path: Path) -> bytes:
    data = _read(path)
    if sha256_of(data) != path.stem:
        raise WeightsError(f"{path} is damaged; run `boxable models pull` for that model to install it again")
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it ({error.strerror or error})") from None


def _folder(card: Card) -> Path:
    return home() / "models" / _slug(card)


def _slug(card: Card) -> str:
    return card.handle.replace("/", "--")


@contextmanager
def _lock(name: str) -> Iterator[None]:
    """One process at a time; a second one waits."""
    path = home() / "locks" / f"{name}.lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
