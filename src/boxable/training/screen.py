"""Progress of training for people: one live line on a terminal, elsewhere a line in the log every half minute."""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from boxable.progress import progress

logger = logging.getLogger("boxable")

# Seconds between updates; those of a terminal cost a millisecond each.
_TERMINAL_S, _LOG_S = 0.25, 30.0
# Steps that the speed is averaged over.
_MARKS = 20


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What is shown of a step. `phase` is the scope that is trained, `left_s` the seconds that are left, if known."""

    step: int
    phase: str
    loss: float
    lr: float
    images_per_s: float
    left_s: float | None

    def __str__(self) -> str:
        text = f"{self.phase}: loss {self.loss:.3f}, lr {self.lr:.2g}, {self.images_per_s:,.0f} images/s"
        return text if self.left_s is None else f"{text}, {timedelta(seconds=round(self.left_s))} left"


@contextmanager
def screen(steps: int, first_step: int = 0, *, shown: bool = True) -> Iterator[Callable[[StepFigures], None]]:
    """Show the progress of a run from `first_step` to `steps`; yield the function to call after each step.

    Unless `shown`, nothing is. It may be called more often than something is shown; a change of phase is shown at once
    on a terminal.
    """
    if not shown:
        yield lambda figures: None
        return
    on_terminal = sys.stderr.isatty()
    shown_s = time.monotonic()
    step, phase = first_step, ""
    with progress("training", steps, done=first_step, live=False, texts=True) as advance:

        def show(figures: StepFigures) -> None:
            nonlocal step, phase, shown_s
            now = time.monotonic()
            if on_terminal and (figures.phase != phase or now - shown_s >= _TERMINAL_S):
                advance(figures.step - step, str(figures))
                step, phase, shown_s = figures.step, figures.phase, now
            if not on_terminal and now - shown_s >= _LOG_S:
                logger.info("step %s of %s, %s", f"{figures.step:,}", f"{steps:,}", figures)
                shown_s = now

        yield show


class Speed:
    """Images a second, over the time since the last few calls."""

    def __init__(self) -> None:
        self._marks = deque([(time.monotonic(), 0)], maxlen=_MARKS)

    def add(self, images: int) -> float:
        """Count images that are done now; return how many there were in a second."""
        first, before = self._marks[0]
        now, count = time.monotonic(), self._marks[-1][1] + images
        self._marks.append((now, count))
        return (count - before) / max(now - first, 1e-9)
