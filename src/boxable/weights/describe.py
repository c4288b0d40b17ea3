"""A model card as people read it."""

from collections.abc import Iterator
from math import prod

from boxable.weights.cards import Card
from boxable.weights.store import how_to_get, installed


def describe(card: Card) -> Iterator[str]:
    """Lines of text."""
    network = card.network
    parameters = sum(prod(shape) for shape in network.variables.values())
    path = installed(card)
    facts = {
        "title": card.title,
        "handle": card.handle,
        "aliases": ", ".join(card.aliases),
        "author": card.author,
        "licence": card.licence,
        "network": f"{network.name}, input {network.input_size}x{network.input_size}",
        "parameters": f"{parameters:,}",
        "multiply-adds": f"{network.macs:,} a picture",
        "installed": str(path) if path else "no",
    }
    yield from (f"{name:<14} {value}" for name, value in facts.items())
    if not path:
        yield f"{'how to get it':<14} {how_to_get(card)}"
    yield from _source(card)
    for metric in card.metrics:
        yield f"{metric.name:<14} {metric.value:g} ({metric.protocol})"
    if not card.metrics:
        yield f"{'accuracy':<14} not measured yet"
    yield f"{'classes':<14} {len(card.classes)}: {', '.join(item.name for item in card.classes)}"


def _source(card: Card) -> Iterator[str]:
    for address in card.source.addresses:
        yield f"{'source':<14} {address}"
    if card.source.npm:
        yield f"{'npm package':<14} {card.source.npm}"
    if card.source.sha256:
        yield f"{'file':<14} {card.source.file}, {card.source.size:,} bytes, sha256 {card.source.sha256}"
