"""The grammar by which every verb selects classes.

    Vehicle            Vehicle and every kind of it
    Vehicle:self       only Vehicle itself
    -Rocket            without Rocket and every kind of it
    -Rocket:self       without Rocket itself
    Vehicle,-Rocket    terms are joined by commas; their order does not matter
    -Person            only subtractions: everything else

A term names a class by label id, MID or name in any case.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral

from boxable.errors import ArgumentError, UnknownClassError
from boxable.findings import counted
from boxable.vocabulary.classes import ClassList, ObjectClass, open_images, unknown_class
from boxable.vocabulary.hierarchy import open_images_hierarchy

Selection = str | int | Iterable[str | int]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose classes are selected, for errors: its name, what lists its classes, and a model that has all others."""

    name: str
    listing: str
    larger: str = ""

    def advice(self, *, several: bool = False) -> str:
        """Say how to get a class, or `several`, that only the larger model has; else what lists the classes."""
        if not self.larger:
            return self.listing
        return f"{self.larger} has {'them' if several else 'it'}: boxable models pull {self.larger}"


DATA_SET = Owner("this data set", "`boxable data stats DIR` lists what a data set has")


def select(
    selection: Selection, available: ClassList | None = None, whose: Owner | None = None
) -> tuple[ObjectClass, ...]:
    """Return the classes of `available` (None: the 601 of Open Images) that a selection names, in their order.

    `Animal` on a network with only Cat and Dog selects these two. Raises UnknownClassError for an unknown term, for one
    that selects nothing available, and for an empty result; the error names `whose` classes these are.
    """
    available = open_images() if available is None else available
    added: set[str] = set()
    removed: set[str] = set()
    terms = terms_of(selection)
    for term in terms:
        if term.startswith("-"):
            removed |= _mids(term[1:], available, whose)
        else:
            mids = _mids(term, available, whose)
            if not any(item.mid in mids for item in available):
                raise _unavailable(term, available, whose)
            added |= mids
    if not added and removed:
        added = {item.mid for item in available}
    chosen = tuple(item for item in available if item.mid in added - removed)
    if not chosen:
        raise UnknownClassError(f"the selection {','.join(terms)!r} leaves no class; name at least one to keep")
    return chosen


def terms_of(selection: Selection) -> list[str]:
    """List the terms of a selection. Raises ArgumentError for what is none."""
    if isinstance(selection, str):
        items: Iterable[str | int] = selection.split(",")
    elif isinstance(selection, Integral):
        items = [int(selection)]
    elif not isinstance(selection, Iterable):
        raise ArgumentError(f'expected a selection of classes such as "Vehicle,-Car", got {selection!r}')
    else:
        items = [part for item in selection for part in (item.split(",") if isinstance(item, str) else [item])]
    return [term for term in (str(item).strip() for item in items) if term]


def _mids(term: str, available: ClassList, whose: Owner | None) -> set[str]:
    """Find the MIDs that one term without its sign selects."""
    term = term.strip()
    name, _, suffix = term.rpartition(":")
    alone = bool(name) and suffix.casefold() == "self"
    key = name if alone else term
    item = available.get(key) or open_images().get(key)
    if item is None:
        raise _unknown(key, available, whose)
    return {item.mid} if alone else {item.mid, *open_images_hierarchy().descendants(item.mid)}


def _unavailable(term: str, available: ClassList, whose: Owner | None) -> UnknownClassError:
    """Make the error for a class of Open Images that is not available."""
    if whose is None:
        return UnknownClassError(f"{term!r} is not among these {counted(len(available), 'class|es')}")
    return UnknownClassError(f"{whose.name} has no class {term!r}; {whose.advice()}")


def _unknown(key: str, available: ClassList, whose: Owner | None) -> UnknownClassError:
    """Make the error for what is no class at all, with the most similar names."""
    if whose is None:
        return unknown_class(key, available, open_images())
    similar = available.did_you_mean(key)
    if similar:
        return UnknownClassError(f"{whose.name} has no class {key!r}{similar}")
    similar = open_images().did_you_mean(key)
    if not similar:
        return UnknownClassError(f"{whose.name} has no class {key!r}; {whose.listing}")
    return UnknownClassError(f"{whose.name} has no class {key!r}{similar} {whose.advice(several=' or ' in similar)}")
