"""`boxable.train`: from annotated images and a starting model to a better model."""

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.metrics.evaluate import RESAMPLES, Evaluation
from boxable.run_folder import open_run_folder
from boxable.training.checkpoints import BEST, LAST, Checkpoint, load_checkpoint
from boxable.training.class_table import class_notes, class_rows, table_lines
from boxable.training.data import TrainingData, open_training_data
from boxable.training.log import RunLog
from boxable.training.loop import Job, Loop
from boxable.training.options import Options
from boxable.training.ranks import open_ranks
from boxable.training.record import RunRecord, read_record
from boxable.training.screen import screen
from boxable.training.setup import Setup, digest_of, make_plan, prepare
from boxable.training.state import State
from boxable.training.trackers import tracker_named
from boxable.training.validation import Validation
from boxable.weights.model import Model
from boxable.weights.store import install, lock

logger = logging.getLogger("boxable")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """What a run made: the best model, its evaluation, and that of the starting model on the same images."""

    folder: Path
    model: Model
    evaluation: Evaluation
    start: Evaluation

    def __repr__(self) -> str:
        return f"<TrainingResult {self.folder}: mAP {self.start.mean_ap:.4f} to {self.evaluation.mean_ap:.4f}>"


def run(options: Options) -> TrainingResult | None:
    """Train as the options say, or go on with a run. Returns None on all ranks but the first."""
    tracker = tracker_named(options.log) if options.log else None
    with ExitStack() as opened:
        ranks = opened.enter_context(open_ranks())
        if ranks.is_first:
            opened.enter_context(open_run_folder(options.out))
        record = read_record(options.out)
        if record is not None and not options.resume:
            raise ArgumentError(
                f"{options.out}: there is a run already; go on with it by --resume, or take another --out"
            )
        data = opened.enter_context(open_training_data(options.data, options.val, annotations=options.annotations))
        setup = prepare(options, data, ranks)
        validation = Validation(data.validation, data.annotations)
        validation.require_boxes(setup.start.classes)
        if ranks.is_first:
            _introduce(options, data, setup)
        if record is None:
            record = _begin(options, data, setup, validation)
        record.require_same(options.that_decide(), digest_of(data), options.out)
        checkpoint = load_checkpoint(options.out / LAST) or Checkpoint(setup.start, {}, State().to_dict())
        step = State.from_dict(checkpoint.state).step
        log = None
        if ranks.is_first:
            log = RunLog(options.out, step, tracker, record.arguments)
            opened.callback(log.close)
        show = opened.enter_context(screen(record.plan.steps, step))
        job = Job(
            options.out, record.plan, setup.recipe, setup.order, setup.source, validation, ranks, options.accumulate,
            setup.kept, setup.batch_statistics, log, show,
        )  # fmt: skip
        Loop(job, checkpoint).run()
        return _finish(options, setup, validation) if ranks.is_first else None


def _introduce(options: Options, data: TrainingData, setup: Setup) -> None:
    """Log what is trained on, and what is odd about it."""
    rows = class_rows(data, setup.known, setup.start.classes, keep=options.keep)
    logger.info("%s", data)
    for line in table_lines(rows):
        logger.info("%s", line)
    for note in [*data.notes, *class_notes(data, rows)]:
        logger.warning("%s", note)


def _begin(options: Options, data: TrainingData, setup: Setup, validation: Validation) -> RunRecord:
    """Evaluate the starting model, plan the run, and write its record."""
    ranks = setup.ranks
    started = time.perf_counter()
    if ranks.is_first:
        evaluation, _ = validation.measure(setup.start)
        logger.info("starting model: mAP %.4f", evaluation.mean_ap)
    plan = make_plan(options, setup, time.perf_counter() - started)
    plan = ranks.share(plan)
    for phase in plan.phases:
        logger.info("%s: %d steps of %d images, a validation every %d", phase.scope, phase.steps, plan.batch_size,
                    phase.validate_every)  # fmt: skip
    record = RunRecord(options.that_decide(), [item.mid for item in setup.start.classes], digest_of(data), plan)
    if ranks.is_first:
        record.write(options.out)
    return record


def _finish(options: Options, setup: Setup, validation: Validation) -> TrainingResult:
    """Evaluate the best model and the starting one with intervals, write the report, and install the model."""
    best = load_checkpoint(options.out / BEST)
    if best is None:
        raise AssertionError("each phase ends with a validation")
    start, _ = validation.measure(setup.start, resamples=RESAMPLES)
    evaluation, _ = validation.measure(best.model, resamples=RESAMPLES)
    if options.name is not None:
        with lock(options.name):
            install(best.model)
    return TrainingResult(options.out, best.model, evaluation, start)
