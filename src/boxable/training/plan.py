"""The plan of a run: its phases in steps. Minutes become steps once, before the first step."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from boxable.findings import counted

# Of the minutes: what is kept for the end (two evaluations and the report), and what `auto` gives to the heads.
_RESERVED, _LAST, _HEADS = 0.08, 2, 0.25
# The scopes whose inputs can be cached, the most views of an image, and what caching may take of the time of its phase.
CACHED, MOST_VIEWS, _CACHING = ("head", "neck"), 8, 0.4
# What validation takes of the time of a phase, and how often it is done at least and at most; where that is not often
# enough, what it may take.
_VALIDATING, _VALIDATIONS, _MOST_VALIDATING = 0.1, (5, 20), 0.3
# Before another phase the heads need no more: epochs, and on a small set so many steps.
_HEAD_EPOCHS, _HEAD_STEPS = 80, 400


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps that train one scope. `views` of each image are cached, 0: features are computed in every step.

    `seconds` is the estimate of how long it takes, 0 where nothing was measured.
    """

    scope: str
    steps: int
    validate_every: int
    views: int = 0
    seconds: float = 0.0

    @property
    def validations(self) -> int:
        """How often the model is validated: after so many steps each time, and after the last one."""
        return -(-self.steps // self.validate_every)


@dataclass(frozen=True, slots=True)
class Plan:
    """The phases of a run, one after the other, and the images of a batch on all ranks together."""

    phases: tuple[Phase, ...]
    batch_size: int

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for run.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Plan":
        """Read what `to_dict` made."""
        return cls(tuple(Phase(**phase) for phase in content["phases"]), content["batch_size"])


@dataclass(frozen=True, slots=True)
class Speeds:
    """Seconds that were measured on this machine before the plan.

    `step`: of a batch by scope, with features already computed. `features`: of computing those of an image.
    `validation`: of all validation images.
    """

    step: Mapping[str, float]
    features: float
    validation: float


def plan_steps(scopes: tuple[str, ...], steps: int, batch_size: int, images: int, most_views: int) -> Plan:
    """Plan this many steps in all, at least one for each scope: the same number for each.

    Of `images`, at most `most_views` views fit in the cache. No more are made than a phase uses.
    """
    each, more = divmod(steps, len(scopes))

    def phase(scope: str) -> Phase:
        length = each + (more if scope == scopes[-1] else 0)
        views = min(most_views, MOST_VIEWS, length * batch_size // images) if scope in CACHED else 0
        return Phase(scope, length, max(1, length // 10), views)

    return Plan(tuple(map(phase, scopes)), batch_size)


def plan_minutes(
    scopes: tuple[str, ...], minutes: float, batch_size: int, images: int, most_views: int, speeds: Speeds
) -> Plan:
    """Plan phases that end within the minutes that are left, by what was measured; at least a step each.

    Of `images`, at most `most_views` views fit in the cache. The first of two scopes takes a quarter of the time, and
    no more than it needs.
    """
    left = max(0.0, minutes * 60 - max(_RESERVED * minutes * 60, _LAST * speeds.validation))
    phases = []
    for scope in scopes:
        seconds = left if scope == scopes[-1] else _HEADS * left
        phase = _phase(scope, seconds, batch_size, images, most_views, speeds, first=scope != scopes[-1])
        phases.append(replace(phase, seconds=round(_seconds(phase, batch_size, images, speeds), 1)))
        left = max(0.0, left - phases[-1].seconds)
    return Plan(tuple(phases), batch_size)


def _phase(
    scope: str, seconds: float, batch_size: int, images: int, most_views: int, speeds: Speeds, *, first: bool
) -> Phase:
    step, views = speeds.step[scope], 0
    if scope in CACHED:
        views = min(most_views, MOST_VIEWS, int(_CACHING * seconds / (images * speeds.features)))
        if views:
            seconds -= views * images * speeds.features
        else:
            step += batch_size * speeds.features
    steps = max(1, int(seconds * (1 - _VALIDATING) / step))
    if first and scope in CACHED:
        steps = min(steps, max(_HEAD_STEPS, _HEAD_EPOCHS * images // batch_size))
    fewest, most = _VALIDATIONS
    validations = min(max(int(_VALIDATING * steps * step / speeds.validation), fewest), most, steps)
    if validations * speeds.validation > _VALIDATING * seconds:
        validations = max(1, min(validations, int(_MOST_VALIDATING * seconds / speeds.validation)))
        steps = max(validations, min(steps, int((seconds - validations * speeds.validation) / step)))
    return Phase(scope, steps, -(-steps // validations), views)


def plan_lines(plan: Plan) -> list[str]:
    """Format the phases, with the images a second and the minutes that were estimated, validations included."""
    lines = []
    for phase in plan.phases:
        line = f"{phase.scope}: {counted(phase.steps, 'step|s')} of {counted(plan.batch_size, 'image|s')}"
        if phase.seconds:
            rate = phase.steps * plan.batch_size / phase.seconds
            line += f", {rate:,.0f} images/s, about {phase.seconds / 60:.1f} minutes"
        lines.append(line)
    return lines


def _seconds(phase: Phase, batch_size: int, images: int, speeds: Speeds) -> float:
    """Estimate how long a phase takes."""
    features = phase.views * images
    if phase.scope in CACHED and not phase.views:
        features = phase.steps * batch_size
    return features * speeds.features + phase.steps * speeds.step[phase.scope] + phase.validations * speeds.validation
