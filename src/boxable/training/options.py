"""The arguments of a training run, checked."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from boxable.errors import ArgumentError
from boxable.weights.cards import get_card
from boxable.weights.store import check_handle

Scope = Literal["head", "neck", "all", "auto"]
RecipeName = Literal["default", "original"]
# Whether a class without a label in an image is absent from it, or unknown.
LabelPolicy = Literal["exhaustive", "verified"]

MINUTES = 10.0
# What to start from instead of a model: untrained variables.
RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for; see `train`."""

    data: Path
    start: str | None
    out: Path
    name: str | None = None
    val: Path | None = None
    train: Scope = "auto"
    keep: bool = False
    recipe: RecipeName = "default"
    annotations: LabelPolicy | None = None
    minutes: float | None = None
    steps: int | None = None
    batch_size: int | None = None
    accumulate: int = 1
    eql: bool = False
    seed: int = 0
    workers: int | None = None
    resume: bool = False
    log: str | None = None

    def __post_init__(self) -> None:
        """Raise ArgumentError for what cannot be used."""
        for name, value, choices in (
            ("train", self.train, get_args(Scope)),
            ("recipe", self.recipe, get_args(RecipeName)),
            ("annotations", self.annotations or "verified", get_args(LabelPolicy)),
        ):
            if value not in choices:
                raise ArgumentError(f"{name}: expected one of {', '.join(choices)}, got {value!r}")
        if self.minutes is not None and self.steps is not None:
            raise ArgumentError("expected minutes or steps, got both; steps do not depend on the machine")
        if self.minutes is not None and not 0 < self.minutes < 1e6:
            raise ArgumentError(f"minutes: expected a number above 0, got {self.minutes:g}")
        for name, count, least in (
            ("steps", self.steps, 1),
            ("batch_size", self.batch_size, 1),
            ("accumulate", self.accumulate, 1),
            ("seed", self.seed, 0),
            ("workers", self.workers, 0),
        ):
            if count is not None and (not isinstance(count, int) or count < least):
                raise ArgumentError(f"{name}: expected an integer from {least}, got {count!r}")
        if self.keep and (self.train not in ("head", "auto") or self.recipe != "default" or self.start == RANDOM):
            raise ArgumentError(
                "keep trains only new columns of the class layers of a trained model, by the default recipe; "
                "leave out train, recipe and a random start"
            )
        if self.eql and self.recipe != "default":
            raise ArgumentError("eql reweights the classification loss of the default recipe; leave out recipe")
        if self.name is not None and get_card(check_handle(self.name)):
            raise ArgumentError(f"{self.name} is the name of a published network; choose another name")
        for folder in filter(None, (self.data, self.val)):
            if self.out.resolve().is_relative_to(folder.resolve()):
                raise ArgumentError(
                    f"{self.out}: expected a folder for the run outside of its data, got one in {folder}; its images "
                    "would be taken for data"
                )

    def result_arguments(self) -> dict[str, Any]:
        """Return the arguments that determine the result, as plain values: a run is resumed with the same ones."""
        chosen = asdict(self)
        for name in ("out", "name", "workers", "resume", "log"):
            del chosen[name]
        for name in ("data", "val"):
            chosen[name] = chosen[name] and str(chosen[name].absolute())
        return chosen
