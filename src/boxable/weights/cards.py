"""Model cards: handle, architecture, classes, source and metrics of each published network, one TOML file each."""

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from boxable.errors import UnknownModelError
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.network import Network
from boxable.vocabulary import ClassList, open_images
from boxable.vocabulary.selection import Owner

DEFAULT_HANDLE = "google/openimages_v4/ssd/mobilenet_v2/1"
FALLBACK_HANDLE = "mediapipe/ssd_mobilenet_v2_oidv4_23"


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a published archive: its name there, size in bytes, and hash, if known."""

    name: str
    size: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """The published file of a network: a TFLite file, possibly part of a larger file, or an archive.

    `size` (bytes) and `sha256` are those of the whole file; a TFLite network is bytes `begin` to `end` of it,
    with `part_sha256`, and `npm` names the package that holds it. Of the files in an archive, `members` are
    known by size and hash and `git_blobs` (name, id) by the id that git gives to their content; `doubt` says how firm
    that knowledge is; `network` is the file in it that is read. What is not known is 0 or empty.
    """

    format: Literal["tflite", "archive"]
    addresses: tuple[str, ...]
    file: str = ""
    size: int = 0
    sha256: str = ""
    npm: str = ""
    begin: int = 0
    end: int = 0
    part_sha256: str = ""
    members: tuple[Member, ...] = ()
    git_blobs: tuple[tuple[str, str], ...] = ()
    doubt: str = ""
    network: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure, the protocol that produced it, and its 95 % interval if known."""

    name: str
    value: float
    protocol: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One published network; `substitute` names another training of it, for whoever cannot get this one."""

    handle: str
    aliases: tuple[str, ...]
    architecture: str
    title: str
    licence: str
    author: str
    classes: ClassList
    source: Published
    metrics: tuple[Metric, ...]
    substitute: str = ""

    @property
    def network(self) -> Network:
        """Its architecture, for its number of classes."""
        return ARCHITECTURES[self.architecture](len(self.classes))

    @property
    def alias(self) -> str:
        """The short name to type."""
        return self.aliases[0]

    @property
    def by_hand(self) -> str:
        """How to fetch the published file by hand, as the end of a message."""
        return (
            f"download {self.source.addresses[0]} where there is a network, then run: "
            f"boxable models pull {self.alias} --from FILE"
        )


@cache
def all_cards() -> tuple[Card, ...]:
    """List every card, the default model first."""
    folder = resources.files("boxable.weights").joinpath("cards")
    texts = [item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".toml")]
    cards = [_card(tomllib.loads(text)) for text in texts]
    return tuple(sorted(cards, key=lambda card: (card.handle != DEFAULT_HANDLE, card.handle)))


def get_card(name: str) -> Card | None:
    """Return the card with this handle, alias, or TF-Hub URL, or None."""
    wanted = _without_address(name).casefold()
    return next((card for card in all_cards() if wanted in _names(card) or name in card.source.addresses), None)


def find_card(name: str) -> Card:
    """Return the card as `get_card` does. Raises UnknownModelError, which lists the names, if there is none."""
    card = get_card(name)
    if card is None:
        raise unknown_model(name)
    return card


def unknown_model(name: str, imported: Sequence[str] = ()) -> UnknownModelError:
    """Make the error for an unknown name, with the most similar name of a card or an imported model."""
    names = [known for card in all_cards() for known in (*card.aliases, card.handle)]
    near = difflib.get_close_matches(name, [*names, *imported], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    shown = ", ".join([*(card.alias for card in all_cards()), *imported])
    return UnknownModelError(
        f"unknown model {name!r}: {hint}known are {shown} (`boxable models list`), "
        "or a .onnx or .safetensors file that Boxable wrote, or the folder of one"
    )


def owner_of(handle: str, classes: ClassList) -> Owner:
    """Name a model with these classes in errors about others, and say how to get those of the 601-class network."""
    card, default = get_card(handle), find_card(DEFAULT_HANDLE)
    name = card.alias if card else handle
    listing = f"`boxable classes --model {name}` lists what it has"
    if card and len(classes) < len(card.classes):
        return Owner(f"{name}, opened for {len(classes)} of its {len(card.classes)} classes,", listing)
    has_all = card is not None and card.classes == default.classes
    return Owner(name, listing, "" if has_all else default.alias)


def _names(card: Card) -> set[str]:
    return {name.casefold() for name in (card.handle, *card.aliases)}


def _without_address(name: str) -> str:
    """Extract the handle of a TF-Hub or Kaggle URL; other names stay as they are."""
    name = name.strip()
    for scheme in ("https://", "http://"):
        name = name.removeprefix(scheme)
    for host in ("tfhub.dev/", "kaggle.com/models/"):
        name = name.removeprefix("www.").removeprefix(host)
    return name.partition("?")[0].rstrip("/")


def _card(table: dict[str, Any]) -> Card:
    mids = table["classes"]
    classes = open_images() if mids == "open_images_v4" else ClassList(open_images().find(mid) for mid in mids)
    source = table["source"] | {
        "addresses": tuple(table["source"]["addresses"]),
        "members": tuple(Member(**member) for member in table["source"].get("members", ())),
        "git_blobs": tuple(table["source"].get("git_blobs", {}).items()),
    }
    return Card(
        handle=table["handle"],
        aliases=tuple(table["aliases"]),
        architecture=table["architecture"],
        title=table["title"],
        licence=table["licence"],
        author=table["author"],
        classes=classes,
        source=Published(**source),
        metrics=tuple(_metric(item) for item in table.get("metrics", ())),
        substitute=table.get("substitute", ""),
    )


def _metric(table: dict[str, Any]) -> Metric:
    interval = table.get("interval")
    return Metric(table["name"], table["value"], table["protocol"], (interval[0], interval[1]) if interval else None)
