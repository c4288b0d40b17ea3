"""Import a checkpoint, graph, module or model file as an installed model."""

from collections.abc import Iterator
from math import prod
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.findings import counted
from boxable.vocabulary.classes import slug
from boxable.weights.archive import SUFFIXES as ARCHIVES
from boxable.weights.cards import DEFAULT_HANDLE, Card, get_card
from boxable.weights.importing import read_model
from boxable.weights.published_archive import check_remembered, is_archive, is_published_module, remember
from boxable.weights.store import check_handle, install, installed, lock


def import_model(path: Path, name: str | None, labels: Path | None) -> Iterator[str]:
    """Read, check and install the network at `path`; yields messages for the user.

    Raises WeightsError for a file that is not a supported detector, ArgumentError for unsuitable labels or names.
    """
    card = get_card(name) if name else None
    handle = card.handle if card else check_handle(name or _name_of(path))
    if not name and get_card(handle):
        raise ArgumentError(f"{path}: {handle} is the name of a published network; choose another with --name")
    model = read_model(path, handle, labels)
    if card is not None and model.classes != card.classes:
        raise ArgumentError(
            f"{path}: its {counted(len(model.classes), 'class|es')} are not the {len(card.classes)} of {card.handle}; "
            "import it under another --name"
        )
    if card is not None and card.source.git_blobs:
        yield from _compare_with_published(card, path)
    with lock(handle):
        replaced = installed(handle) is not None
        install(model)
    parameters = sum(prod(values.shape) for values in model.weights.values())
    done = "replaced" if replaced else "imported"
    classes = counted(len(model.classes), "class|es")
    yield f"{done} {handle}: {classes}, {counted(parameters, 'parameter|s')}, from {model.origin}"
    if handle == DEFAULT_HANDLE:
        yield "it is the default model now"
    else:
        yield f"use it as: boxable detect IMAGE --model {handle}"


def _compare_with_published(card: Card, path: Path) -> Iterator[str]:
    """Tell whether this is the published module; if so, trust its archive from now on."""
    published = is_published_module(card, path)
    if published:
        if is_archive(path):
            check_remembered(card, path)
            remember(card, path)
        yield "this is the module that Google published (the git id of its saved_model.pb is the known one)"
    elif published is False:
        yield "note: this is not the module that Google published (the git id of its saved_model.pb is another)"


def _name_of(path: Path) -> str:
    """Derive a handle from a file name: `model.ckpt.index` and `model.ckpt` give `model`."""
    bare = path.name if path.name not in ("", "..") else path.resolve().name
    for suffix in (*ARCHIVES, ".index", ".meta", ".pb", ".tflite", ".onnx", ".safetensors", ".ckpt"):
        bare = bare.removesuffix(suffix)
    return slug(bare)
