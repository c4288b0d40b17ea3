"""Findings of checks."""

import threading

import pytest

from boxable.findings import MAX_EXAMPLES, Finding, counted, until


def test_counts_add_up_and_the_first_examples_are_kept() -> None:
    finding = Finding("boxes", "boxes are inside their image")
    finding.add(10)
    assert finding.level == "ok"
    finding.add(5, 3, ["a", "b", "c"])
    finding.add(5, 4, ["d", "e", "f", "g"])
    assert (finding.total, finding.count, finding.level) == (20, 7, "error")
    assert finding.examples == ["a", "b", "c", "d", "e"]
    assert len(finding.examples) == MAX_EXAMPLES


def test_a_line_has_the_count_and_the_examples() -> None:
    assert str(Finding("image|s without predictions", "evaluated", "note", 1200, 5000, ["a", "b"])) == (
        "1,200 images without predictions (a, b): evaluated"
    )
    assert str(Finding("image|s without predictions", "evaluated", count=1)) == "1 image without predictions: evaluated"
    assert str(Finding("runtime", "found")) == "runtime: found"


def test_a_check_ends_when_it_is_stopped() -> None:
    stop = threading.Event()
    seen = []
    for item in until(stop, range(9)):
        seen.append(item)
        if item == 2:
            stop.set()
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("count", "subject", "text"),
    [
        (0, "image|s", "0 images"),
        (1, "image|s", "1 image"),
        (1, "class|es", "1 class"),
        (2000, "box|es", "2,000 boxes"),
    ],
)
def test_a_count_of_one_is_singular(count: int, subject: str, text: str) -> None:
    assert counted(count, subject) == text
