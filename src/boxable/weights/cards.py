"""Model cards: what is known of each published network, one TOML file each."""

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from boxable.errors import UnknownModelError
from boxable.networks.layers import Network
from boxable.networks.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.vocabulary import ClassList, open_images

DEFAULT_HANDLE = "google/openimages_v4/ssd/mobilenet_v2/1"
FALLBACK_HANDLE = "mediapipe/ssd_mobilenet_v2_oidv4_23"


@dataclass(frozen=True, slots=True)
class Published:
    """The published file of a network.

    `size` (bytes) and `sha256` are those of the whole file; the network is bytes `begin` to `end` of it, with
    `part_sha256`. `npm` names the package that holds the file. What is not known is 0 or empty.
    """

    format: str
    addresses: tuple[str, ...]
    file: str = ""
    size: int = 0
    sha256: str = ""
    npm: str = ""
    begin: int = 0
    end: int = 0
    part_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure and the protocol that produced it."""

    name: str
    value: float
    protocol: str


@dataclass(frozen=True, slots=True)
class Card:
    """One published network."""

    handle: str
    aliases: tuple[str, ...]
    title: str
    licence: str
    author: str
    classes: ClassList
    source: Published
    metrics: tuple[Metric, ...]

    @property
    def network(self) -> Network:
        """Its architecture, for its number of classes."""
        return ssd_mobilenet_v2(len(self.classes))

    @property
    def alias(self) -> str:
        """The short name to type."""
        return self.aliases[0]

    @property
    def can_be_fetched(self) -> bool:
        """Whether this version knows how to fetch and check the published file."""
        return bool(self.source.sha256)


@cache
def all_cards() -> tuple[Card, ...]:
    """Every card, the default model first."""
    folder = resources.files("boxable.weights").joinpath("cards")
    texts = [item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".toml")]
    cards = [_card(tomllib.loads(text)) for text in texts]
    return tuple(sorted(cards, key=lambda card: (card.handle != DEFAULT_HANDLE, card.handle)))


def get_card(name: str) -> Card | None:
    """The card with this handle, alias, or TF-Hub URL, or None."""
    wanted = _without_address(name)
    return next(
        (card for card in all_cards() if wanted in (card.handle, *card.aliases) or name in card.source.addresses), None
    )


def find_card(name: str) -> Card:
    """As `get_card`, but raises UnknownModelError, with the names there are, where there is none."""
    card = get_card(name)
    if card is None:
        names = [known for item in all_cards() for known in (*item.aliases, item.handle)]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownModelError(
            f"unknown model {name!r}: {hint}known are {', '.join(card.alias for card in all_cards())} "
            "(`boxable models list`), or a .onnx or .safetensors file that Boxable wrote"
        )
    return card


def _without_address(name: str) -> str:
    """The handle in a TF-Hub URL; other names as they are."""
    name = name.strip()
    for scheme in ("https://", "http://"):
        name = name.removeprefix(scheme)
    return name.removeprefix("www.").removeprefix("tfhub.dev/").partition("?")[0].rstrip("/")


def _card(table: dict[str, Any]) -> Card:
    mids = table["classes"]
    classes = open_images() if mids == "open_images_v4" else ClassList(open_images().find(mid) for mid in mids)
    source = table["source"] | {"addresses": tuple(table["source"]["addresses"])}
    return Card(
        handle=table["handle"],
        aliases=tuple(table["aliases"]),
        title=table["title"],
        licence=table["licence"],
        author=table["author"],
        classes=classes,
        source=Published(**source),
        metrics=tuple(Metric(**item) for item in table.get("metrics", ())),
    )
