"""Turns, and what is kept of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from boxable.bench.candidate import STAGES, Candidate, timed
from boxable.bench.images import BenchImages
from boxable.bench.rounds import Samples, fit_turn, run_rounds

IMAGES = BenchImages([Path("a.jpg"), Path("b.jpg")], [b"a", b"b"], "two")


def candidate(name: str, calls: list[str], folder: Callable[[Sequence[Path]], object] = len) -> Candidate:
    """One that notes each call by its name."""

    def stages(content: bytes) -> dict[str, float]:
        calls.append(name)
        return dict.fromkeys(STAGES, 0.002)

    return Candidate(name, stages, whole=len, folder=folder)


def test_candidates_take_turns_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []
    compared = {candidate(name, calls): Samples() for name in "AB"}
    turns = []
    run_rounds(compared, IMAGES, 32, 3, lambda: turns.append(len(calls)))
    assert "".join(calls) == "AABB" * 4
    assert turns == [2, 4, 6, 8, 10, 12, 14, 16]
    for samples in compared.values():
        assert {stage: times for stage, times in samples.times.items() if stage in STAGES} == {
            stage: [2.0] * 6 for stage in STAGES
        }
        assert (len(samples.times["end to end"]), len(samples.rates)) == (6, 3)


def test_a_folder_of_few_files_is_gone_through_again() -> None:
    seen: list[Sequence[Path]] = []
    run_rounds({candidate("A", [], seen.append): Samples()}, IMAGES, 32, 1, lambda: None)
    assert [len(files) for files in seen] == [32, 32]
    assert list(seen[0][:3]) == [Path("a.jpg"), Path("b.jpg"), Path("a.jpg")]


@pytest.mark.parametrize(
    ("seconds", "count", "folder"), [(0.001, 2, 32), (0.2, 2, 32), (0.5, 2, 20), (3.0, 1, 3), (60.0, 1, 2)]
)
def test_slow_candidates_get_fewer_images(
    monkeypatch: pytest.MonkeyPatch, seconds: float, count: int, folder: int
) -> None:
    clock = 0.0

    def whole(content: bytes) -> None:
        nonlocal clock
        clock += seconds

    monkeypatch.setattr("time.perf_counter", lambda: clock)
    slow = Candidate("slow", lambda content: {}, whole, len)
    images, size = fit_turn([slow], IMAGES)
    assert (len(images.contents), len(images.files), size) == (count, count, folder)
    assert images.title == ("two" if count == 2 else "two; the first of them")


def test_what_was_measured_before_an_interruption_stays() -> None:
    passes = 0

    def folder(files: Sequence[Path]) -> None:
        nonlocal passes
        passes += 1
        if passes == 3:
            raise KeyboardInterrupt

    samples = Samples()
    with pytest.raises(KeyboardInterrupt):
        run_rounds({candidate("A", [], folder): samples}, IMAGES, 32, 5, lambda: None)
    assert (len(samples.times["network"]), len(samples.rates)) == (4, 1)


def test_each_step_is_timed_with_what_the_one_before_gave() -> None:
    given = []
    steps = {"double": lambda item: item * 2, "keep": given.append}
    seconds = timed(steps, 21)
    assert given == [42]
    assert list(seconds) == ["double", "keep"]
    assert all(value >= 0 for value in seconds.values())
