"""What a check of a data folder found: how much was looked at, how much is wrong, and the first examples."""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

Item = TypeVar("Item")

# Examples that are kept of each check.
EXAMPLES = 5


@dataclass(slots=True)
class Finding:
    """One check: what should be true, of how many things it was asked, and of how many it is not."""

    subject: str
    rule: str
    looked_at: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, looked_at: int, wrong: int = 0, examples: Iterable[str] = ()) -> None:
        """Count more, and keep examples as far as there are too few."""
        self.looked_at += looked_at
        self.wrong += wrong
        room = EXAMPLES - len(self.examples)
        if room > 0:
            self.examples += [example for _, example in zip(range(room), examples, strict=False)]

    def fail(self, example: str) -> None:
        """One more thing was looked at, and is wrong."""
        self.add(1, 1, [example])


@dataclass(frozen=True, slots=True)
class Verification:
    """All findings, in order; `complete` is False where the check was stopped before its end."""

    findings: list[Finding]
    complete: bool

    @property
    def good(self) -> bool:
        """Whether nothing that was looked at is wrong."""
        return not any(finding.wrong for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "good": self.good, "complete": self.complete, "findings": [asdict(finding) for finding in self.findings],
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """For the terminal: the checks of each subject below its name, and examples below a check that failed."""
        subject = None
        for finding in self.findings:
            if finding.subject != subject:
                subject = finding.subject
                yield subject
            mark = "FAIL" if finding.wrong else "ok" if finding.looked_at else "-"
            count = f"{finding.wrong:,} of {finding.looked_at:,}" if finding.wrong else f"{finding.looked_at:,}"
            yield f"  {mark:<4} {count:>18}  {finding.rule}"
            for example in finding.examples:
                yield f"{'':27}{example}"
            if finding.wrong > len(finding.examples):
                yield f"{'':27}and {finding.wrong - len(finding.examples):,} more"
        if not self.complete:
            yield "stopped before the end"


def until(stop: threading.Event, items: Iterable[Item]) -> Iterator[Item]:
    """The items, as long as there is to be no stop."""
    for item in items:
        if stop.is_set():
            return
        yield item
