"""Describe a model as lines of text."""

import shlex
from collections.abc import Iterator
from math import prod
from pathlib import Path

from boxable.errors import WeightsError
from boxable.findings import counted
from boxable.hashing import hash_of_file
from boxable.networks.network import Network
from boxable.vocabulary import ClassList
from boxable.weights.calibrations import find_calibration, key_of
from boxable.weights.cards import Card, get_card
from boxable.weights.model import Model
from boxable.weights.pull import imported, users_file
from boxable.weights.store import installed, read_file

# Classes that are named.
_SHOWN = 10


def describe(name: str) -> Iterator[str]:
    """Yield the description of a published or imported model, or of a file or its folder, line by line.

    Raises UnknownModelError, and WeightsError for a file that cannot be read.
    """
    card = get_card(name)
    if card is not None:
        yield from _published(card)
        return
    path = imported(name)
    is_installed = path is not None
    path = path or users_file(name)
    model = Model.from_bytes(read_file(path), str(path))
    yield _line("handle", model.handle)
    yield _line("made from", model.origin)
    yield from _network(model.network, model.score_threshold)
    yield from _file(path) if is_installed else [_line("file", str(path)), _line("sha256", hash_of_file(path))]
    yield from _int8(path, name)
    yield _classes(model.classes, name)


def _published(card: Card) -> Iterator[str]:
    yield _line("title", card.title)
    yield _line("handle", card.handle)
    yield _line("aliases", ", ".join(card.aliases))
    yield _line("author", card.author)
    yield _line("licence", card.licence)
    path = installed(card.handle)
    model = Model.from_bytes(read_file(path), str(path)) if path else None
    yield from _network(card.network, model.score_threshold if model else None)
    if model is not None and path is not None:
        yield _line("made from", model.origin)
        yield from _file(path)
    else:
        yield _line("installed", f"no; run: boxable models pull {card.alias}")
    yield from _source(card)
    for metric in card.metrics:
        between = f" [{metric.interval[0]:g}, {metric.interval[1]:g}]" if metric.interval else ""
        yield _line(metric.name, f"{metric.value:g}{between} ({metric.protocol})")
    if path is not None:
        yield from _int8(path, card.alias)
    yield _classes(card.classes, card.alias)


def _network(network: Network, score_threshold: float | None) -> Iterator[str]:
    height, width = network.preprocess.size
    size = f"within {width}x{height} or {height}x{width}" if network.preprocess.keep_aspect else f"{width}x{height}"
    yield _line("network", f"{network.name}, input {size}")
    yield _line("parameters", f"{sum(prod(shape) for shape in network.variables.values()):,}")
    yield _line("multiply-adds", "depends on the image" if network.macs is None else f"{network.macs:,} an image")
    if score_threshold is not None:
        yield _line("threshold", f"{score_threshold:g}; detections scored at or below it are dropped")


def _file(path: Path) -> Iterator[str]:
    yield _line("installed", str(path))
    yield _line("sha256", path.stem)


def _int8(path: Path, name: str) -> Iterator[str]:
    """Yield the measured change of AP in int8 (Challenge metric, paired 95 % interval)."""
    try:
        saved = find_calibration(key_of(path, read_file(path)))
    except WeightsError as error:
        yield _line("int8", str(error))
        return
    if saved is None:
        yield _line("int8", f"not calibrated; run: boxable quantize {name} --calibration DIR")
        return
    yield _line(
        "int8", f"calibrated on {counted(saved.images, 'image|s')}{'' if saved.accuracies else ', not measured'}"
    )
    for accuracy in saved.accuracies:
        yield _line("int8", str(accuracy))


def _source(card: Card) -> Iterator[str]:
    for address in card.source.addresses:
        yield _line("source", address)
    if card.source.npm:
        yield _line("npm package", card.source.npm)
    if card.source.sha256:
        yield _line("file", f"{card.source.file}, {card.source.size:,} bytes, sha256 {card.source.sha256}")
    for name, blob in card.source.git_blobs:
        yield _line("file", f"{name}, git blob {blob}")


def _classes(classes: ClassList, name: str) -> str:
    shown = ", ".join(item.name for item in classes[:_SHOWN])
    more = f", …; all: boxable classes --model {shlex.quote(name)}" if len(classes) > _SHOWN else ""
    return _line("classes", f"{len(classes)}: {shown}{more}")


def _line(name: str, value: str) -> str:
    return f"{name:<14} {value}"
