"""Where a run is: everything that the next step depends on beside the tensors."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class State:
    """The position of a run, and its best validation so far.

    `step` counts the steps of the run, `phase_step` those of its phase; `samples` the samples that all ranks used.
    `validated`: the step of the phase after which was the latest validation; `phase_map` is the highest mAP of the
    phase, and `stale` counts its validations in a row without a higher one. `best_map` is that of best/, and begins
    with that of the starting model.
    """

    step: int = 0
    phase: int = 0
    phase_step: int = 0
    samples: int = 0
    validated: int = 0
    stale: int = 0
    phase_map: float = -1.0
    best_map: float = -1.0
    best_step: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for state.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "State":
        """Read what `to_dict` made. Raises TypeError for anything else."""
        return cls(**content)

    def next_phase(self) -> None:
        """Go on to the first step of the next phase."""
        self.phase += 1
        self.phase_step = self.validated = self.stale = 0
        self.phase_map = -1.0
