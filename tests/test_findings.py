"""Findings of checks."""

import threading

from boxable.findings import MAX_EXAMPLES, Finding, until


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
