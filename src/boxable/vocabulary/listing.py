"""Search classes and format them as rows or an indented tree."""

import logging
from collections.abc import Iterable, Iterator, Sequence

from boxable.errors import UnknownClassError
from boxable.vocabulary.classes import ClassList, ObjectClass, open_images
from boxable.vocabulary.hierarchy import open_images_hierarchy
from boxable.vocabulary.selection import Owner, select

logger = logging.getLogger("boxable")


def search(query: str | None, available: ClassList, whose: Owner | None = None) -> tuple[ObjectClass, ...]:
    """Search classes: those that the query selects, or else (a note says so) those whose names contain it.

       Without a query it returns all.
    Raises UnknownClassError, which names `whose` classes these are, if it is neither.
    """
    if query is None:
        return tuple(available)
    try:
        return select(query, available, whose)
    except UnknownClassError:
        text = query.strip().casefold()
        found = tuple(item for item in available if text and text in item.name.casefold())
        if not found:
            raise
        logger.info("%r is no class; these names contain it", text)
        return found


def as_rows(classes: Iterable[ObjectClass]) -> Iterator[tuple[str, str, str, str]]:
    """Yield label id, MID, name, and the names of the direct parents."""
    known, hierarchy = open_images(), open_images_hierarchy()
    for item in classes:
        parents = ", ".join(known.find(mid).name for mid in hierarchy.parents(item.mid))
        yield str(item.label_id), item.mid, item.name, parents


def as_tree(classes: Sequence[ObjectClass]) -> Iterator[str]:
    """Yield lines: each class indented below its parent; one with several parents appears below each."""
    by_mid = {item.mid: item for item in classes}
    hierarchy = open_images_hierarchy()

    def lines(mid: str, depth: int) -> Iterator[str]:
        yield f"{'    ' * depth}{by_mid[mid].name}"
        for child in nearest(hierarchy.children(mid)):
            yield from lines(child, depth + 1)

    def nearest(mids: Iterable[str]) -> list[str]:
        """Replace each class that is not shown by its children."""
        found: dict[str, None] = {}
        for mid in mids:
            found.update(dict.fromkeys([mid] if mid in by_mid else nearest(hierarchy.children(mid))))
        return list(found)

    for item in classes:
        if not by_mid.keys() & set(hierarchy.ancestors(item.mid)):
            yield from lines(item.mid, 0)
