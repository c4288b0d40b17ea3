"""Find a model by name: installed, fetched, or a file; and which model is the default."""

import logging
import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from boxable.errors import ArgumentError, BoxableError, RefusedError, WeightsError
from boxable.files import writing
from boxable.vocabulary import ClassList
from boxable.vocabulary.selection import Selection
from boxable.weights.calibrations import CalibrationKey, key_of
from boxable.weights.cards import DEFAULT_HANDLE, FALLBACK_HANDLE, Card, all_cards, find_card, get_card, unknown_model
from boxable.weights.compiled import Compiled
from boxable.weights.model import Model
from boxable.weights.published_tflite import fetch_tflite
from boxable.weights.store import (
    SUFFIXES,
    compiled_file,
    compiled_installed,
    install,
    installed,
    installed_handles,
    is_whole,
    lock,
    model_file,
    read_file,
    read_installed,
)

logger = logging.getLogger("boxable")


def pull(card: Card, local: Path | None = None, trusted: str | None = None) -> Path:
    """Install the weights of a card, unless they are there and whole; returns their file.

    `local` is a file or folder of the user's to take them from, even if they are there; `trusted` the SHA-256 of
    an archive to accept although it is not the known one. Where the card names a substitute and its own file is
    unavailable, the substitute is installed, and the log says so. Raises WeightsError if neither is available,
    RefusedError if a file has another hash than the published one, and ArgumentError for what is no SHA-256.
    """
    if trusted is not None and not re.fullmatch("[0-9a-f]{64}", trusted := trusted.strip().lower()):
        raise ArgumentError(f"expected a SHA-256 of 64 hexadecimal digits to trust, got {trusted!r}")
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
            # A file with a wrong hash is an error, never a reason to fall back.
            if not card.substitute or (isinstance(error, RefusedError) and local is None):
                raise
            return _install_substitute(card, find_card(card.substitute), local, trusted, error)


def default_card() -> Card:
    """Return the card of the 601-class network if it is installed, else of the 23-class one, with a line on the log."""
    default, fallback = find_card(DEFAULT_HANDLE), find_card(FALLBACK_HANDLE)
    if installed(default.handle):
        return default
    _say_once(
        f"using {fallback.alias} ({len(fallback.classes)} classes, a weak detector); "
        f"for the {len(default.classes)}-class network run: boxable models pull {default.alias}"
    )
    return fallback


@cache
def _say_once(message: str) -> None:
    logger.warning(message)


def open_model(name: str | None, classes: Selection | None = None) -> Compiled:
    """Open a model by handle, alias, URL, file of Boxable's or folder with one, or the default (None), for runtimes.

    A published model that is not installed is fetched. Raises UnknownModelError, UnknownClassError and WeightsError.
    """
    card = default_card() if name is None else get_card(name)
    if card is not None:
        return compiled_installed(installed(card.handle) or pull(card), card.alias, classes)
    name = str(name)  # without one there is a card
    path = imported(name)
    if path is not None:
        return compiled_installed(path, name, classes)
    if os.path.exists(name) or name.endswith(SUFFIXES):
        return compiled_file(Path(name), classes)
    raise unknown_model(name, imported_handles())


def classes_of_model(name: str) -> ClassList:
    """Return the classes of a model by handle, alias, URL, file of Boxable's or folder with one; nothing is fetched.

    Raises UnknownModelError, and WeightsError for a file that cannot be read.
    """
    card = get_card(name)
    return card.classes if card else open_model(name).description.classes


def read_weights(name: str) -> tuple[Model, CalibrationKey]:
    """Read a model by handle, alias, URL, .safetensors file or folder with one, and the key of its calibration.

    A published model that is not installed is fetched. Raises UnknownModelError, and WeightsError for an ONNX file.
    """
    card = get_card(name)
    path = (installed(card.handle) or pull(card)) if card else imported(name)
    if path is not None:
        data = read_installed(path)
    else:
        path = users_file(name)
        data = read_file(path)
    return Model.from_bytes(data, name), key_of(path, data)


def users_file(name: str) -> Path:
    """Return the .safetensors file of a user's model by its path or that of its folder.

    Raises UnknownModelError where there is none, and WeightsError for an ONNX file.
    """
    if not (os.path.exists(name) or name.endswith(SUFFIXES)):
        raise unknown_model(name, imported_handles())
    path = model_file(Path(name))
    if path.suffix != ".safetensors":
        raise WeightsError(f"{name}: expected a model's name or the .safetensors file with its weights")
    return path


def imported_handles() -> list[str]:
    """List the handles of installed models without a card."""
    published = {card.handle for card in all_cards()}
    return [handle for handle in installed_handles() if handle not in published]


def imported(name: str) -> Path | None:
    """Return the file of an installed model without a card, or None."""
    return installed(name) if name in imported_handles() else None


def _obtain(card: Card, local: Path | None, trusted: str | None) -> Model:
    if card.source.format == "archive":
        from boxable.weights.published_archive import read_published_archive  # draws in the readers of foreign files

        return read_published_archive(card, local, trusted)
    from boxable.weights.tflite_file import read_tflite

    weights = read_tflite(fetch_tflite(card, local), card.handle)
    return Model(card.network, weights, card.classes, card.handle, origin=f"{card.source.npm} {card.source.file}")


def _install_substitute(card: Card, other: Card, local: Path | None, trusted: str | None, error: WeightsError) -> Path:
    """Install the substitute's weights under the card's handle; if it is unavailable too, raise both errors."""
    try:
        model = _obtain(other, local, trusted)
    except BoxableError as second:
        if error.tried and isinstance(second, WeightsError) and second.tried:
            also = (f"{other.alias}, another training of it: {line}" for line in second.tried)
            raise WeightsError(error.summary, (*error.tried, *also), error.advice) from None
        why = f": {second}" if local else ""
        raise WeightsError(f"{error}. {other.alias}, another training of it, is unavailable too{why}") from None
    logger.warning("%s is unavailable; installed instead, another training of it: %s", card.alias, other.title)
    return install(replace(model, handle=card.handle))
