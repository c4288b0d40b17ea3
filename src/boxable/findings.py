"""What a check or a reader has to tell: one mechanism for notes, flaws and checks."""

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal, TypeVar

Item = TypeVar("Item")

# ok: as it should be; note: worth knowing; warning: a flaw of the input; error: it does not work, or is damaged.
Level = Literal["ok", "note", "warning", "error"]

MAX_EXAMPLES = 5


def counted(count: int, subject: str) -> str:
    """Format a number of things: in `subject`, `image|s` is `image` for a count of one and `images` for others."""
    return f"{count:,} {_inflected(count, subject)}"


def _inflected(count: int, subject: str) -> str:
    return re.sub(r"\|(\w+)", "" if count == 1 else r"\1", subject)


@dataclass(slots=True)
class Finding:
    """One thing that a person should know, of `count` of `total` things that were looked at, with some examples.

    `subject` is what it is about, inflected as by `counted`. `text` is
    the rule that was checked, or what was found or done.
    """

    subject: str
    text: str
    level: Level = "ok"
    count: int = 0
    total: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, total: int, count: int = 0, examples: Iterable[str] = ()) -> None:
        """Count more things looked at and more exceptions, and keep examples up to `MAX_EXAMPLES`."""
        self.total += total
        self.count += count
        free = max(MAX_EXAMPLES - len(self.examples), 0)
        self.examples += [example for _, example in zip(range(free), examples, strict=False)]
        if count:
            self.level = "error"

    def __str__(self) -> str:
        subject = counted(self.count, self.subject) if self.count else _inflected(0, self.subject)
        examples = f" ({', '.join(self.examples)})" if self.examples else ""
        return f"{subject}{examples}: {self.text}"


def until(stop: threading.Event, items: Iterable[Item]) -> Iterator[Item]:
    """Iterate over the items that a check looks at, until `stop` is set."""
    return takewhile(lambda _: not stop.is_set(), items)
