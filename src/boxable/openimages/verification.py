"""Check a data folder: its tables, its ledger, every image, and that they agree."""

import logging
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from boxable.datasets.dataset import Dataset
from boxable.files import writing
from boxable.findings import Finding
from boxable.openimages.check_images import check_images
from boxable.openimages.check_ledger import check_ledger
from boxable.openimages.check_tables import check_tables

logger = logging.getLogger("boxable")


@dataclass(frozen=True, slots=True)
class Verification:
    """All findings, in order; `complete` is False where the check was stopped before its end."""

    findings: list[Finding]
    complete: bool

    @property
    def good(self) -> bool:
        """Whether no check found a flaw."""
        return not any(finding.count for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON types."""
        names = ("subject", "rule", "looked_at", "wrong", "examples")
        rows = ((item.subject, item.text, item.total, item.count, item.examples) for item in self.findings)
        findings = [dict(zip(names, row, strict=True)) for row in rows]
        return {"good": self.good, "complete": self.complete, "findings": findings}

    def lines(self) -> Iterator[str]:
        """Format for the terminal: the checks below their subject, the examples below a check that failed."""
        subject = None
        for finding in self.findings:
            if finding.subject != subject:
                subject = finding.subject
                yield subject
            mark = "FAIL" if finding.count else "ok" if finding.total else "-"
            count = f"{finding.count:,} of {finding.total:,}" if finding.count else f"{finding.total:,}"
            yield f"  {mark:<4} {count:>18}  {finding.text}"
            for example in finding.examples:
                yield f"{'':27}{example}"
            if finding.count > len(finding.examples):
                yield f"{'':27}and {finding.count - len(finding.examples):,} more"
        if not self.complete:
            yield "stopped before the end"


def verify(dataset: Dataset, stop: threading.Event | None = None, unread: Sequence[str] = ()) -> Verification:
    """Check everything until `stop` is set; a damaged index is rebuilt first.

    `unread` has a line on everything that was dropped as the set was read in its own format.

    Raises ArgumentError for a table that cannot be used, BoxableError where reading fails, or writing the index does.
    """
    stop = stop or threading.Event()
    dataset = _with_sound_index(dataset)
    findings = [Finding("set", line, "error", 1, 1) for line in unread]
    findings += check_tables(dataset.files, dataset.index, stop)
    findings += check_ledger(dataset.files, stop) + check_images(dataset, stop)
    return Verification(findings, complete=not stop.is_set())


def _with_sound_index(dataset: Dataset) -> Dataset:
    if dataset.index.is_as_written():
        return dataset
    place = dataset.index.folder
    logger.warning("%s: damaged; rebuilding it", place)
    with writing(place):
        if place.exists():
            shutil.rmtree(place)
    return Dataset(dataset.path)
