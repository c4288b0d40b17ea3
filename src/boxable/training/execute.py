"""A training run from beginning to end: data, plan, loop, report, installed model."""

import logging
import time
from contextlib import ExitStack
from dataclasses import replace

from boxable.errors import ArgumentError, BoxableError
from boxable.metrics.evaluate import RESAMPLES
from boxable.run_folder import open_run_folder
from boxable.training.checkpoints import LAST, Checkpoint, load_checkpoint
from boxable.training.class_table import ClassRow, class_notes, class_rows, table_lines
from boxable.training.data import TrainingData, open_training_data
from boxable.training.log import RunLog
from boxable.training.loop import Job, Loop
from boxable.training.options import Options
from boxable.training.plan import plan_lines
from boxable.training.ranks import open_ranks
from boxable.training.record import RunRecord, read_record
from boxable.training.report import ReportContent, write_report
from boxable.training.screen import screen
from boxable.training.setup import Setup, digest_of, make_plan, prepare
from boxable.training.state import State
from boxable.training.trackers import tracker_named
from boxable.training.train import TrainingResult
from boxable.training.validation import Validation
from boxable.weights.store import BEST, install, installed, lock

logger = logging.getLogger("boxable")


def execute(options: Options) -> TrainingResult | None:
    """Train as the options say, or go on with a run. Returns None on all ranks but the first."""
    began = time.perf_counter()
    tracker = None if options.log is None else tracker_named(options.log)
    with ExitStack() as opened:
        ranks = opened.enter_context(open_ranks())
        if ranks.is_first:
            opened.enter_context(open_run_folder(options.out))
        record = ranks.share(read_record(options.out) if ranks.is_first else None)
        if record is not None and not options.resume:
            raise ArgumentError(
                f"{options.out}: there is a run already; go on with it by --resume, or take another --out"
            )
        data = opened.enter_context(open_training_data(options.data, options.val, annotations=options.annotations))
        setup = prepare(options, data, ranks)
        validation = Validation(data.validation, data.annotations)
        validation.require_boxes(setup.start.classes)
        rows = _introduce(options, data, setup) if ranks.is_first else []
        if record is None:
            record = _begin(options, data, setup, validation, began)
        record.require_same(options.result_arguments(), digest_of(data, setup.start), options.out)
        checkpoint = ranks.share(load_checkpoint(options.out / LAST) if ranks.is_first else None)
        checkpoint = checkpoint or Checkpoint(setup.start, {}, State(best_map=record.start_map))
        step, log = checkpoint.state.step, None
        if ranks.is_first:
            log = RunLog(options.out, step, tracker, record.arguments)
            opened.callback(log.close)
            if not step:
                log.validation(0, map=record.start_map, per_class={})
        with screen(record.plan.steps, step, shown=ranks.is_first) as show:
            job = Job(options.out, record.plan, setup, validation, options.accumulate, log, show)
            loop = Loop(job, checkpoint)
            if loop.is_finished and ranks.is_first:
                logger.info("%s: all steps are taken; evaluating the result again", options.out)
            loop.run()
        if not ranks.is_first:
            return None
        return _finish(options, data, setup, validation, rows, record.plan.steps)


def _introduce(options: Options, data: TrainingData, setup: Setup) -> list[ClassRow]:
    """Log what is trained on, and what is odd about it; return the table of classes."""
    rows = class_rows(data, setup.known, setup.start.classes, keep=options.keep)
    logger.info("%s", data)
    for line in table_lines(rows):
        logger.info("%s", line)
    for note in [*data.notes, *class_notes(data, rows)]:
        logger.warning("%s", note)
    if options.name is not None and installed(options.name):
        logger.warning("%s: the installed model of this name is replaced at the end of the run", options.name)
    return rows


def _begin(options: Options, data: TrainingData, setup: Setup, validation: Validation, began: float) -> RunRecord:
    """Evaluate the starting model, plan the run, and write its record."""
    ranks = setup.ranks
    started = time.perf_counter()
    mean_ap = validation.measure(setup.start)[0].mean_ap if ranks.is_first else 0.0
    seconds = time.perf_counter() - started
    plan = ranks.share(make_plan(options, setup, seconds, began))
    record = RunRecord(
        options.result_arguments(),
        [item.mid for item in setup.start.classes],
        digest_of(data, setup.start),
        mean_ap,
        plan,
    )
    if ranks.is_first:
        logger.info("mAP of the starting model: %.4f", mean_ap)
        for line in plan_lines(plan):
            logger.info("%s", line)
        record.write(options.out)
    return record


def _finish(
    options: Options, data: TrainingData, setup: Setup, validation: Validation, rows: list[ClassRow], steps: int
) -> TrainingResult:
    """Evaluate the starting model and the best one with intervals, write the report, and install the model."""
    best = load_checkpoint(options.out / BEST)
    if best is None:
        raise BoxableError(f"{options.out / BEST}: expected the best checkpoint, got none; take another --out")
    if not best.state.best_step:
        logger.warning("no checkpoint is better than the starting model, which %s has", options.out / BEST)
    before, _ = validation.measure(setup.start, resamples=RESAMPLES)
    after, _ = validation.measure(best.model, resamples=RESAMPLES)
    facts = [
        ("starting model", options.start or "the default"),
        ("data", str(data)),
        ("trained", f"{options.train}{', new classes alone' if options.keep else ''}, {options.recipe} recipe"),
        ("steps", f"{steps:,}, the best one {best.state.best_step:,}, chosen by these validation images"),
    ]
    files = validation.annotations.files
    report = write_report(
        options.out, ReportContent(f"Training of {setup.start.handle}", facts, rows, before, after, files)
    )
    if options.name is not None:
        with lock(options.name):
            install(replace(best.model, handle=options.name))
        logger.info("installed as %s", options.name)
    logger.info("wrote %s", report)
    return TrainingResult(options.out, best.model, after, before)
