"""The classes of a set that has only their names."""

from collections.abc import Iterable

from boxable.vocabulary import ClassList
from boxable.vocabulary.classes import plain_name


def named_classes(names: Iterable[str]) -> tuple[ClassList, dict[str, str]]:
    """Return the classes of these names, sorted, and the MID by name; names that differ in case or spaces are one."""
    plain = {name: plain_name(name) for name in names}
    of_case = {name.casefold(): name for name in sorted(plain.values())}
    classes = ClassList.from_names(sorted(of_case.values()))
    mids = {item: found.mid for item, found in zip(sorted(of_case.values()), classes, strict=True)}
    return classes, {name: mids[of_case[text.casefold()]] for name, text in plain.items()}
