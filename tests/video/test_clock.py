"""Times that grow, whatever the timestamps are."""

from fractions import Fraction

import pytest

from boxable.video import clock as clock_module
from boxable.video.clock import Clock

HOURS = 3 * 3600.0


def times(*timestamps: float | None, joinable: bool = False, live: bool = False) -> list[float]:
    """The times of frames at 10 frames a second."""
    clock = Clock(Fraction(10), joinable=joinable, live=live)
    return [round(clock.time(item), 4) for item in timestamps]


@pytest.mark.parametrize("begin", [0.0, 5.0, -2.0])
def test_the_first_frame_is_at_0_and_steps_are_kept(begin: float) -> None:
    assert times(begin, begin + 0.04, begin + 0.5, begin + 0.54) == [0, 0.04, 0.5, 0.54]


@pytest.mark.parametrize("again", [0.2, -7.0, 0.25])
def test_a_step_back_begins_another_recording_one_frame_later(again: float) -> None:
    assert times(0.2, 0.3, 0.4, again, again + 0.1) == [0, 0.1, 0.2, 0.3, 0.4]


def test_recordings_that_are_shorter_than_the_bound_are_joined_as_well() -> None:
    assert times(1.0, 1.03, 1.06, 1.0, 1.03) == [0, 0.03, 0.06, 0.16, 0.19]


def test_frames_out_of_order_move_nothing_else() -> None:
    assert times(0, 0.1, 0.25, 0.2, 0.3) == [0, 0.1, 0.25, 0.25, 0.3]


def test_two_frames_at_one_time_are_told_apart() -> None:
    clock = Clock(Fraction(10))
    first, second, third = (clock.time(item) for item in (3.0, 3.1, 3.1))
    assert first < second < third < second + 1e-5


@pytest.mark.parametrize(("joinable", "later"), [(True, 0.2), (False, HOURS)])
def test_a_jump_ahead_by_hours_is_a_join_only_where_the_format_is_made_for_it(joinable: bool, later: float) -> None:
    assert times(0, 0.1, HOURS, joinable=joinable) == [0, 0.1, later]


def test_a_frame_without_a_timestamp_comes_one_frame_after_the_last() -> None:
    assert times(None, None, 7.0, 7.1, None, 7.3) == [0, 0.1, 0.2, 0.3, 0.4, 0.5]


@pytest.mark.parametrize("timestamps", [(None, None, None), (None, 8.0, 8.1)])
def test_a_live_source_without_timestamps_has_the_time_of_this_computer(
    timestamps: tuple[float | None, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([100.0, 100.7, 102.0])
    monkeypatch.setattr(clock_module, "monotonic", lambda: next(now))
    assert times(*timestamps, live=True) == [0, 0.7, 2]


def test_a_live_source_with_timestamps_keeps_them() -> None:
    assert times(50.0, 50.2, 50.3, live=True) == [0, 0.2, 0.3]
