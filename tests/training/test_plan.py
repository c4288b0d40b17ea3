"""Minutes and steps become phases."""

import math
import re
from dataclasses import replace

import pytest

from boxable.training.plan import Phase, Plan, Speeds, plan_lines, plan_minutes, plan_steps

AUTO = ("head", "all")


def test_steps_are_divided_among_the_phases_and_no_view_is_cached_that_is_not_used() -> None:
    assert plan_steps(AUTO, 41, 10, images=50, most_views=100) == Plan(
        (Phase("head", 20, 2, 4), Phase("all", 21, 2)), 10
    )
    assert plan_steps(("head",), 4, 10, images=50, most_views=100).phases == (Phase("head", 4, 1, 0),)
    assert plan_steps(("neck",), 1000, 10, images=50, most_views=100).phases == (Phase("neck", 1000, 100, 8),)
    assert plan_steps(("neck",), 1000, 10, images=50, most_views=3).phases == (Phase("neck", 1000, 100, 3),)
    assert plan_steps(("all",), 1000, 10, images=50, most_views=100).phases == (Phase("all", 1000, 100, 0),)


def duration(phase: Phase, batch_size: int, images: int, speeds: Speeds) -> float:
    """What the loop does in a phase, second by second."""
    seconds = phase.views * images * speeds.features
    for step in range(1, phase.steps + 1):
        seconds += speeds.step[phase.scope]
        if phase.scope != "all" and not phase.views:
            seconds += batch_size * speeds.features
        if step % phase.validate_every == 0 or step == phase.steps:
            seconds += speeds.validation
    return seconds


@pytest.mark.parametrize("images", [10, 300, 20_000, 1_000_000])
@pytest.mark.parametrize("validation", [0.1, 5, 60])
@pytest.mark.parametrize("minutes", [5, 10, 60])
def test_the_phases_and_the_evaluations_at_the_end_take_the_minutes(
    images: int, validation: float, minutes: float
) -> None:
    speeds = Speeds({"head": 0.05, "all": 2.5}, features=0.02, validation=validation)
    plan = plan_minutes(AUTO, minutes, 16, images, 10_000 // images, speeds)
    seconds = [duration(phase, 16, images, speeds) for phase in plan.phases]
    assert 0.75 * minutes * 60 < sum(seconds) + 2 * validation <= minutes * 60
    assert seconds[0] <= 0.25 * minutes * 60 + validation
    for phase in plan.phases:
        validations = math.ceil(phase.steps / phase.validate_every)
        assert 1 <= validations <= 20
        assert validations >= 3 or validation * 3 > 0.2 * seconds[plan.phases.index(phase)]
    for line, taken in zip(plan_lines(plan), seconds, strict=True):
        (told,) = re.findall(r"about ([\d.]+) minutes", line)
        assert float(told) == pytest.approx(taken / 60, abs=0.051)
        (rate,) = re.findall(r"([\d,]+) images/s", line)
        assert float(rate.replace(",", "")) >= 0
    assert [phase.seconds for phase in plan.phases] == pytest.approx(seconds, abs=0.051)


def test_the_head_gets_no_more_than_it_needs() -> None:
    speeds = Speeds({"head": 0.01, "all": 1.0}, features=0.01, validation=0.1)
    head, rest = plan_minutes(AUTO, 60, 16, 100, 8, speeds).phases
    assert (head.scope, head.steps, head.views) == ("head", 500, 8)
    assert rest.steps > 2500
    (alone,) = plan_minutes(("head",), 60, 16, 100, 8, speeds).phases
    assert alone.steps > 100_000


def test_a_validation_that_takes_all_the_time_leaves_a_step_for_each_phase() -> None:
    speeds = Speeds({"head": 1.0, "all": 10.0}, features=1.0, validation=3600)
    for minutes in (1, -1):
        plan = plan_minutes(AUTO, minutes, 16, 1_000_000, 8, speeds)
        assert [replace(phase, seconds=0.0) for phase in plan.phases] == [Phase("head", 1, 1), Phase("all", 1, 1)]


def test_a_plan_is_read_as_it_was_written() -> None:
    plan = plan_steps(AUTO, 30, 4, 10, 8)
    assert Plan.from_dict(plan.to_dict()) == plan
    assert plan.steps == 30
