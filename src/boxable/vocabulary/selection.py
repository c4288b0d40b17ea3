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

from boxable.errors import UnknownClassError
from boxable.vocabulary.classes import ClassList, ObjectClass, open_images, unknown_class
from boxable.vocabulary.hierarchy import open_images_hierarchy

Selection = str | int | Iterable[str | int]

# The owner of the classes and how to list them, for the error about an unavailable class.
MODEL = ("this model", "`boxable models info NAME` lists what a model can name")
DATA_SET = ("this data set", "`boxable data stats DIR` lists what a data set has")


def select(
    selection: Selection, available: ClassList | None = None, whose: tuple[str, str] = MODEL
) -> tuple[ObjectClass, ...]:
    """Return the classes of `available` (None: the 601 of Open Images) that a selection names, in their order.

    `Animal` on a network with only Cat and Dog selects these two. Raises UnknownClassError for an unknown term, for one
    that selects nothing available (the error names `whose` classes these are), and for an empty result.
    """
    available = open_images() if available is None else available
    added: set[str] = set()
    removed: set[str] = set()
    terms = _terms(selection)
    for term in terms:
        if term.startswith("-"):
            removed |= _mids(term[1:], available)
        else:
            mids = _mids(term, available)
            if not any(item.mid in mids for item in available):
                raise UnknownClassError(
                    f"{whose[0]} cannot name {term!r}: it knows {len(available)} classes, and neither that one "
                    f"nor a kind of it is among them; {whose[1]}"
                )
            added |= mids
    if not added and removed:
        added = {item.mid for item in available}
    chosen = tuple(item for item in available if item.mid in added - removed)
    if not chosen:
        raise UnknownClassError(f"the selection {','.join(terms)!r} leaves no class; name at least one to keep")
    return chosen


def _terms(selection: Selection) -> list[str]:
    if isinstance(selection, str):
        items: Iterable[str | int] = selection.split(",")
    elif isinstance(selection, int):
        items = [selection]
    else:
        items = [part for item in selection for part in (item.split(",") if isinstance(item, str) else [item])]
    return [term for term in (str(item).strip() for item in items) if term]


def _mids(term: str, available: ClassList) -> set[str]:
    """Find the MIDs that one term without its sign selects."""
    term = term.strip()
    name, _, suffix = term.rpartition(":")
    alone = bool(name) and suffix.casefold() == "self"
    key = name if alone else term
    item = available.get(key) or open_images().get(key)
    if item is None:
        raise unknown_class(key, available, open_images())
    return {item.mid} if alone else {item.mid, *open_images_hierarchy().descendants(item.mid)}
