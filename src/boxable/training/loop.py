"""The training loop."""

import logging
import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from boxable.errors import BoxableError
from boxable.training.checkpoints import LAST, Checkpoint, load_checkpoint, save_checkpoint
from boxable.training.held_interrupts import held_interrupts
from boxable.training.inputs import Batch, Batches, Keys, as_views, save_batch
from boxable.training.learner import Learner, Losses
from boxable.training.log import RunLog
from boxable.training.plan import Phase, Plan
from boxable.training.screen import Speed, StepFigures
from boxable.training.setup import Setup
from boxable.training.trainee import Trainee
from boxable.training.validation import Validation
from boxable.weights.model import Model
from boxable.weights.store import BEST

logger = logging.getLogger("boxable")

# The time between checkpoints, and the steps of a run that are logged, at most.
CHECKPOINT_S, LOGGED = 120.0, 2000
# Early stopping: a phase ends after this share of its validations, at least so many, in a row without a better one of
# the same phase. It may begin below the model it started from and catch up as its learning rate falls.
PATIENCE, LEAST_PATIENCE = 0.5, 5


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What stays the same during a run.

    `accumulate`: the batches into which each rank divides its share of a step. Only the first rank has a `log`; `show`
    is called after each step.
    """

    folder: Path
    plan: Plan
    setup: Setup
    validation: Validation
    accumulate: int
    log: RunLog | None
    show: Callable[[StepFigures], None]


class Loop:
    """A run, from where its last checkpoint left it to the end of its plan.

    Ctrl-C and SIGTERM wait for the end of a step or a checkpoint. Then `last/` gets the state after the last step, and
    KeyboardInterrupt is raised.
    """

    def __init__(self, job: Job, start: Checkpoint) -> None:
        self._job, self._setup, self._ranks = job, job.setup, job.setup.ranks
        self._model, self._tensors = start.model, start.tensors
        self.state = replace(start.state)
        self._log_every = max(1, job.plan.steps // LOGGED)
        self._saved = time.monotonic()
        self._speed = Speed()
        self._is_in_step = False

    @property
    def is_finished(self) -> bool:
        """Whether no phase is left."""
        return self.state.phase == len(self._job.plan.phases)

    def run(self) -> None:
        """Train all phases that are left; each begins with the best model so far."""
        # Of several processes only the first one stops at once; it tells the others after the next step.
        with nullcontext() if self._ranks.is_first else held_interrupts():
            while not self.is_finished:
                self._phase(self._job.plan.phases[self.state.phase])

    def _phase(self, phase: Phase) -> None:
        job, setup, state = self._job, self._setup, self.state
        momentum = setup.recipe.batch_norm_momentum if setup.batch_statistics else None
        trainee = Trainee(self._model, phase.scope, self._ranks.device, kept=setup.kept, batch_norm_momentum=momentum)
        learner = Learner(trainee, setup.recipe, self._ranks)
        if self._tensors:
            learner.load(self._tensors)
        try:
            self._train(phase, trainee, learner)
        except KeyboardInterrupt:
            if self._is_in_step:  # an error interrupted the step, and the state is inconsistent
                raise
            with held_interrupts():
                self._save(LAST, learner.model(), learner.tensors())
            raise KeyboardInterrupt(f"after step {state.step:,} of {job.plan.steps:,}") from None
        with held_interrupts():
            state.next_phase()
            if self.is_finished:
                if not state.best_step:  # no checkpoint is better than the starting model
                    self._save(BEST, setup.start, {})
                self._save(LAST, learner.model(), learner.tensors())
            else:
                self._model, self._tensors = self._best(), {}
                self._save(LAST, self._model, {})

    def _train(self, phase: Phase, trainee: Trainee, learner: Learner) -> None:
        """Take the steps of a phase that are left."""
        if self._is_due(phase):  # the run was stopped before this validation
            self._validate(learner)
        if self._is_over(phase):
            return
        batches = _grouped(self._batches(phase, trainee)(self._keys(phase)), self._job.accumulate)
        try:
            for micro_batches in batches:
                self._step(phase, learner, micro_batches)
                if self._is_due(phase):
                    self._validate(learner)
                    self._speed = Speed()
                if self._is_over(phase):
                    break
                if time.monotonic() - self._saved > CHECKPOINT_S:
                    with held_interrupts():
                        self._save(LAST, learner.model(), learner.tensors())
        finally:
            with held_interrupts():  # they would be lost while threads and processes end
                batches.close()
        if self._is_stale(phase) and self._ranks.is_first:
            logger.info("%s: ended early, %d validations in a row without a better one", phase.scope, self.state.stale)

    def _step(self, phase: Phase, learner: Learner, micro_batches: Sequence[Batch]) -> None:
        job, state = self._job, self.state
        with held_interrupts() as is_interrupted:
            self._is_in_step = True
            lr = self._setup.recipe.learning_rate(state.phase_step, phase.steps, phase.scope)
            losses = learner.step(micro_batches, lr, state.phase_step)
            self._require_finite(losses, micro_batches)
            state.step, state.phase_step = state.step + 1, state.phase_step + 1
            state.samples += job.plan.batch_size
            self._report(phase, losses, lr)
            must_stop = self._ranks.any(is_interrupted())
            self._is_in_step = False
        if must_stop:
            raise KeyboardInterrupt

    def _is_due(self, phase: Phase) -> bool:
        """Tell whether a validation follows the latest step."""
        done = self.state.phase_step
        return done > self.state.validated and (done % phase.validate_every == 0 or done == phase.steps)

    def _is_over(self, phase: Phase) -> bool:
        return self.state.phase_step == phase.steps or self._is_stale(phase)

    def _is_stale(self, phase: Phase) -> bool:
        return self.state.stale >= max(LEAST_PATIENCE, math.ceil(PATIENCE * phase.validations))

    def _best(self) -> Model:
        """Return the best model so far, which the next phase begins with."""
        if not self.state.best_step:
            return self._setup.start
        best = self._ranks.share(load_checkpoint(self._job.folder / BEST) if self._ranks.is_first else None)
        if best is None:
            raise BoxableError(f"{self._job.folder / BEST}: expected the best checkpoint so far, got none")
        return best.model

    def _batches(self, phase: Phase, trainee: Trainee) -> Batches:
        """Return what makes the batches of key lists: from cached features, or from images."""
        source = self._setup.source
        if phase.views and not self._ranks.is_distributed:
            return source.cached(trainee, phase.views, self._job.folder)
        return lambda plan: source.live(trainee, plan)

    def _keys(self, phase: Phase) -> Iterator[Keys]:
        """Yield the keys of the batches of this rank in the steps of the phase that are left, `accumulate` a step."""
        job, ranks = self._job, self._ranks
        size, first, left = job.plan.batch_size, self.state.samples, phase.steps - self.state.phase_step
        for start in range(first, first + left * size, size):
            keys: Keys = self._setup.order.keys(start, size)[ranks.rank :: ranks.count]
            if phase.views:
                keys = as_views(keys, phase.views)
            for part in range(job.accumulate):
                yield keys[part :: job.accumulate]

    def _validate(self, learner: Learner) -> None:
        """Measure the model on the first rank, and keep it if it is the best so far."""
        job, state = self._job, self.state
        model = learner.model()
        evaluation = job.validation.measure(model)[0] if self._ranks.is_first else None
        with held_interrupts():
            mean_ap = self._ranks.share(evaluation.mean_ap if evaluation else 0.0)
            state.validated = state.phase_step
            state.stale += 1
            if mean_ap > state.phase_map:
                state.phase_map, state.stale = mean_ap, 0
            if mean_ap > state.best_map:
                state.best_map, state.best_step = mean_ap, state.step
                self._save(BEST, model, learner.tensors())
            if evaluation is not None and job.log:
                job.log.validation(
                    state.step, map=mean_ap, per_class={result.item.name: result.ap for result in evaluation.scored}
                )

    def _report(self, phase: Phase, losses: Losses, lr: float) -> None:
        """Show a step, and log it if its turn has come."""
        job, state = self._job, self.state
        speed = self._speed.add(job.plan.batch_size)
        later = [other.seconds for other in job.plan.phases[state.phase + 1 :]]
        left_s = (phase.steps - state.phase_step) * job.plan.batch_size / speed + sum(later)
        is_known = all(later)  # a plan of steps has no seconds
        job.show(StepFigures(state.step, phase.scope, losses.total, lr, speed, left_s if is_known else None))
        if job.log is not None and state.step % self._log_every == 0:
            job.log.train(
                state.step, phase=phase.scope, loss=losses.total, localization=losses.localization,
                classification=losses.classification, regularization=losses.regularization, lr=lr, images_per_s=speed,
            )  # fmt: skip

    def _require_finite(self, losses: Losses, batches: Sequence[Batch]) -> None:
        if losses.is_finite:
            return
        path = self._job.folder / f"not-finite-{self._ranks.rank}.safetensors"
        save_batch(batches, path)
        raise BoxableError(
            f"step {self.state.step + 1}: expected finite losses and gradients, got loss {losses.total:g} and gradient "
            f"norm {losses.gradient_norm:g}; check the starting model, and the boxes of this batch, which is in {path}"
        )

    def _save(self, name: str, model: Model, tensors: Mapping[str, Tensor]) -> None:
        """Write a checkpoint, on the first rank."""
        if name == LAST:
            self._saved = time.monotonic()
        if self._ranks.is_first:
            save_checkpoint(Checkpoint(model, tensors, self.state), self._job.folder / name)


def _grouped(batches: Iterable[Batch], size: int) -> Generator[list[Batch]]:
    group: list[Batch] = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
