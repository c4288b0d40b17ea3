"""The Open Images class hierarchy."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

# "Entity", the root: no class of its own, never an ancestor (SEMANTICS §8).
ROOT_MID = "/m/0bl9f"


class Hierarchy:
    """A directed acyclic graph of MIDs; a class may have several parents.

    Only `Subcategory` edges count; a `Part` (a wheel of a bicycle) is no kind of its whole (SEMANTICS §8).
    """

    def __init__(self, children: Mapping[str, tuple[str, ...]]) -> None:
        self._children = dict(children)
        self._parents: dict[str, tuple[str, ...]] = {}
        for parent, kinds in self._children.items():
            for child in kinds:
                self._parents[child] = (*self._parents.get(child, ()), parent)

    def children(self, mid: str) -> tuple[str, ...]:
        """Return the direct subclasses of a class, in the order of the official file; empty for an unknown MID."""
        return self._children.get(mid, ())

    def parents(self, mid: str) -> tuple[str, ...]:
        """Return the direct superclasses of a class, without the root."""
        return tuple(parent for parent in self._parents.get(mid, ()) if parent != ROOT_MID)

    def ancestors(self, mid: str) -> tuple[str, ...]:
        """Return all superclasses of a class, nearest first, each once, without the root."""
        return _reach(mid, self.parents)

    def descendants(self, mid: str) -> tuple[str, ...]:
        """Return all subclasses of a class, nearest first, each once."""
        return _reach(mid, self.children)


def _reach(mid: str, step: Any) -> tuple[str, ...]:
    found: dict[str, None] = {}
    level = [mid]
    while level:
        level = [other for item in level for other in step(item) if other not in found]
        found.update(dict.fromkeys(level))
    return tuple(found)


@cache
def open_images_hierarchy() -> Hierarchy:
    """Return the hierarchy of Open Images V4, from the official file."""
    text = resources.files("boxable.vocabulary").joinpath("data/bbox_labels_600_hierarchy.json").read_text("utf-8")
    children: dict[str, dict[str, None]] = {}

    def walk(node: dict[str, Any]) -> None:
        for child in node.get("Subcategory", ()):
            children.setdefault(node["LabelName"], {})[child["LabelName"]] = None
            walk(child)

    walk(json.loads(text))
    return Hierarchy({mid: tuple(kinds) for mid, kinds in children.items()})
