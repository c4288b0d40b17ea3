"""From a name to weights: what is installed, what must be fetched, and which model is the default."""

import logging
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from boxable.errors import BoxableError, RefusedError, WeightsError
from boxable.files import writing
from boxable.weights.calibrations import weights_hash
from boxable.weights.cards import DEFAULT_HANDLE, FALLBACK_HANDLE, Card, all_cards, find_card, get_card, unknown_model
from boxable.weights.model import Model
from boxable.weights.published_tflite import fetch_tflite
from boxable.weights.store import (
    SUFFIXES,
    graph_of_file,
    graph_of_installed,
    install,
    installed,
    installed_handles,
    is_whole,
    lock,
    read_file,
    read_installed,
)

logger = logging.getLogger("boxable")


def pull(card: Card, local: Path | None = None, trusted: str | None = None) -> Path:
    """Install the weights of a card, unless they are there and whole; returns their file.

    `local` is a file or folder of the user's to take them from, even if they are there; `trusted` the SHA-256 of
    an archive to accept although it is not the known one. Where the card names a substitute, and its own file is
    not to be had, that is installed, and the log says so. Raises WeightsError if nothing can be had, RefusedError
    if what came is not what was published.
    """
    with lock(card.handle):
        path = installed(card.handle)
        if path is not None and is_whole(path):
            if local is None and trusted is None:
                return path
        elif path is not None:
            logger.warning("%s: the installed weights are damaged; installing them again", card.alias)
            with writing(path):
                path.unlink()
        try:
            return install(_obtain(card, local, trusted))
        except WeightsError as error:
            # What is there and is not what it should be is never passed over for something else.
            if not card.substitute or (isinstance(error, RefusedError) and local is None):
                raise
            return _install_substitute(card, find_card(card.substitute), local, trusted, error)


def default_card() -> Card:
    """The 601-class network if it is installed, else the 23-class one; says so in one line if it is that."""
    default, fallback = find_card(DEFAULT_HANDLE), find_card(FALLBACK_HANDLE)
    if installed(default.handle):
        return default
    _say_once(
        f"using {fallback.alias} ({len(fallback.classes)} classes); for the {len(default.classes)}-class network run: "
        f"boxable models pull {default.alias}"
    )
    return fallback


@cache
def _say_once(message: str) -> None:
    logger.warning(message)


def graph_of(name: str | None, *, int8: bool = False) -> bytes:
    """The ONNX graph of a model: a handle, an alias, a URL, a file of ours, or None for the default.

    A published model that is not installed is fetched. Raises WeightsError, also where nobody has calibrated a model
    that is asked for in `int8`.
    """
    card = default_card() if name is None else get_card(name)
    if card is not None:
        return graph_of_installed(installed(card.handle) or pull(card), card.alias, int8=int8)
    name = str(name)  # without one there is a card
    path = imported(name)
    if path is not None:
        return graph_of_installed(path, name, int8=int8)
    if os.path.exists(name) or name.endswith(SUFFIXES):
        return graph_of_file(Path(name), int8=int8)
    raise unknown_model(name, imported_handles())


def model_of(name: str) -> tuple[Model, str]:
    """A model by handle, alias, URL or .safetensors file, with its weights, and their `weights_hash`.

    A published one that is not installed is fetched. Raises UnknownModelError, and WeightsError for an ONNX file.
    """
    card = get_card(name)
    path = (installed(card.handle) or pull(card)) if card else imported(name)
    if path is not None:
        data = read_installed(path)
        return Model.from_bytes(data, name), weights_hash(data)
    if not (os.path.exists(name) or name.endswith(SUFFIXES)):
        raise unknown_model(name, imported_handles())
    if not name.endswith(".safetensors"):
        raise WeightsError(f"{name}: expected a model's name or the .safetensors file with its weights")
    data = read_file(Path(name))
    return Model.from_bytes(data, name), weights_hash(data)


def imported_handles() -> list[str]:
    """Handles of installed models that no card describes."""
    published = {card.handle for card in all_cards()}
    return [handle for handle in installed_handles() if handle not in published]


def imported(name: str) -> Path | None:
    """The file of an installed model that no card describes, or None."""
    return installed(name) if name in imported_handles() else None


def _obtain(card: Card, local: Path | None, trusted: str | None) -> Model:
    if card.source.format == "archive":
        from boxable.weights.published_archive import read_published_archive  # draws in the readers of foreign files

        return read_published_archive(card, local, trusted)
    from boxable.weights.tflite_file import read_tflite

    weights = read_tflite(fetch_tflite(card, local), card.handle)
    return Model(card.network, weights, card.classes, card.handle, origin=f"{card.source.npm} {card.source.file}")


def _install_substitute(card: Card, other: Card, local: Path | None, trusted: str | None, error: WeightsError) -> Path:
    """Install the substitute's weights under the card's handle; if it is not to be had either, both errors count."""
    try:
        model = _obtain(other, local, trusted)
    except BoxableError as second:
        why = f": {second}" if local else ""
        raise WeightsError(f"{error}. {other.alias}, another training of it, is not to be had either{why}") from None
    logger.warning("%s is not to be had; installed instead, another training of it: %s", card.alias, other.title)
    return install(replace(model, handle=card.handle))
