"""Object classes: label id, MID and name, and how to look them up."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from itertools import count
from typing import overload

from boxable.errors import ArgumentError, UnknownClassError
from boxable.findings import counted

# Open Images uses 1..601; classes of other origin are numbered from here.
FIRST_USER_LABEL_ID = 1001
# Names of COCO's computer accessories: in a set with one of them, `mouse` is the device.
_BESIDE_COMPUTERS = frozenset({"cell phone", "keyboard", "laptop", "remote", "tv"})
_DEVICE, _ANIMAL = "computer mouse", "mouse"


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """One class: its label id, its MID (`/m/...`, or `user/<slug>`) and its English name."""

    label_id: int
    mid: str
    name: str


class ClassList(Sequence[ObjectClass]):
    """An ordered list of distinct classes; position = column of a network, without the background.

    Raises ArgumentError where two classes share an id, a MID or a name (upper and lower case are the same).
    """

    def __init__(self, classes: Iterable[ObjectClass]) -> None:
        self._classes = tuple(classes)
        for field in ("name", "mid", "label_id"):
            seen: set[int | str] = set()
            for item in self._classes:
                value = getattr(item, field)
                key = value.casefold() if isinstance(value, str) else value
                if key in seen:
                    raise ArgumentError(f"two classes have the same {field}: {value!r}; each must be its own")
                seen.add(key)

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "ClassList":
        """Build classes by name, in order: Open Images ones keep their id and MID, others get ids from 1001."""
        names = list(names)
        known = classes_meant(names)
        return cls.numbered(known.get(name) or ("", name) for name in names)

    @classmethod
    def from_mids(cls, rows: Iterable[tuple[str, str]]) -> "ClassList":
        """Build classes by MID and name, in order: Open Images ones keep id and name, others get ids from 1001."""
        known = {item.mid: item for item in open_images()}
        return cls.numbered(known.get(mid) or (mid, name) for mid, name in rows)

    @classmethod
    def numbered(cls, items: Iterable[ObjectClass | tuple[str, str]]) -> "ClassList":
        """Assign label ids in column order; a pair (MID or "", name) gets the next id from 1001, and a MID if it is "".

        Names of pairs are normalized (`plain_name`); a class without a name is called by its MID.
        """
        numbers = count(FIRST_USER_LABEL_ID)
        return cls(
            item
            if isinstance(item, ObjectClass)
            else ObjectClass(next(numbers), item[0] or f"user/{slug(item[1])}", plain_name(item[1]) or item[0])
            for item in items
        )

    def __len__(self) -> int:
        return len(self._classes)

    @overload
    def __getitem__(self, index: int) -> ObjectClass: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ObjectClass, ...]: ...
    def __getitem__(self, index: int | slice) -> ObjectClass | tuple[ObjectClass, ...]:
        return self._classes[index]

    def __iter__(self) -> Iterator[ObjectClass]:
        return iter(self._classes)

    def __contains__(self, item: object) -> bool:
        return item in self._columns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassList) and self._classes == other._classes

    def __hash__(self) -> int:
        return hash(self._classes)

    def __repr__(self) -> str:
        names = ", ".join(item.name for item in self._classes[:3])
        return f"ClassList({counted(len(self), 'class|es')}: {names}{', …' if len(self) > 3 else ''})"

    @cached_property
    def _columns(self) -> dict[ObjectClass, int]:
        return {item: column for column, item in enumerate(self._classes)}

    @cached_property
    def _by_key(self) -> dict[int | str, ObjectClass]:
        keys: dict[int | str, ObjectClass] = {}
        for item in self._classes:
            keys |= {item.label_id: item, item.mid.casefold(): item, item.name.casefold(): item}
        return keys

    def column(self, item: ObjectClass) -> int:
        """Return the position of a class that is in the list."""
        return self._columns[item]

    def get(self, key: int | str) -> ObjectClass | None:
        """Return the class with this label id (also as digits), MID or name (any case), or None."""
        if not isinstance(key, str):
            return self._by_key.get(key)
        key = key.strip()
        number = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else key
        return self._by_key.get(number) or self._by_key.get(key.casefold())

    def find(self, key: int | str) -> ObjectClass:
        """Return the class as `get` does; raise UnknownClassError, with the most similar names, if there is none."""
        item = self.get(key)
        if item is None:
            raise unknown_class(key, self)
        return item

    def did_you_mean(self, key: int | str) -> str:
        """Format `: did you mean A or B?`, or nothing where no name is similar."""
        names = {item.name.casefold(): item.name for item in self._classes}
        wanted = str(key).strip().casefold()
        near = [name for name in names if wanted and wanted in name.split()]
        near += [name for name in difflib.get_close_matches(wanted, names, n=3, cutoff=0.6) if name not in near]
        return f": did you mean {' or '.join(names[name] for name in near[:3])}?" if near else ""


def unknown_class(key: int | str, *lists: ClassList) -> UnknownClassError:
    """Make the error for a class in none of these lists, with the most similar names of the first list that has any."""
    hint = next((hint for hint in (known.did_you_mean(key) for known in lists) if hint), "")
    return UnknownClassError(f"unknown class {key!r}{hint or '; `boxable classes` lists them all'}")


@cache
def open_images() -> ClassList:
    """Return the 601 classes of Open Images V4 in label-id order (SEMANTICS §1.2; ids of oid_v4_label_map.pbtxt)."""
    text = resources.files("boxable.vocabulary").joinpath("data/open_images_v4.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:])
    return ClassList(ObjectClass(int(label_id), mid, name) for label_id, mid, name in rows)


@cache
def open_images_subset(name: str) -> ClassList:
    """Return the classes of another release in the order of its ids: `open_images_v2` (545) or `challenge_2018` (500).

    They are classes of V4 and keep its ids, MIDs and names, whatever the release called them.
    """
    text = resources.files("boxable.vocabulary").joinpath(f"data/{name}.txt").read_text("utf-8")
    return ClassList(open_images().find(mid) for mid in text.split())


def classes_meant(names: Iterable[str]) -> dict[str, ObjectClass]:
    """Map class names of other data sets to Open Images classes; unknown names are dropped.

    A class is known by its name in any case. Only `mouse` depends on the other names of the set: beside COCO's names of
    office things it is the Computer mouse, unless the set has a class of that name too.
    """
    by_name = {item.name.casefold(): item for item in open_images()}
    plain = {name: plain_name(name).casefold() for name in names}
    if _BESIDE_COMPUTERS.intersection(plain.values()) and _DEVICE not in plain.values():
        by_name[_ANIMAL] = by_name[_DEVICE]
    return {name: by_name[key] for name, key in plain.items() if key in by_name}


def classes_of(rows: Sequence[tuple[str, str]], name: str) -> ClassList:
    """Build the class list from rows of (MID, name) in column order; either may be empty.

    Open Images classes are looked up by MID, else by name, and keep their id, MID and name of the 601. Others are
    numbered from 1001.
    """
    classes: list[ObjectClass | tuple[str, str]] = []
    meant = classes_meant(label for _, label in rows)
    for mid, label in rows:
        known = open_images().get(mid) if mid else meant.get(label)
        if not mid and not label:
            raise ArgumentError(f"{name}: class {len(classes) + 1} has no name")
        if not (mid + label).isprintable():
            raise ArgumentError(f"{name}: class {len(classes) + 1} has an unprintable name: {(label or mid)[:40]!r}")
        if known is None and mid.startswith("/m/") and not label:
            raise ArgumentError(f"{name}: {mid} is no class of Open Images V4 and has no name; add its name")
        classes.append(known or (mid, label or mid))
    try:
        return ClassList.numbered(classes)
    except ArgumentError as error:
        raise ArgumentError(f"{name}: {error}") from None


def plain_name(name: str) -> str:
    """Normalize the spaces of a name: some annotation formats require it."""
    return " ".join(name.split())


def slug(name: str) -> str:
    """Convert `Traffic cone (small)` to `traffic-cone-small`; letters of any script stay."""
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-") or "class"
