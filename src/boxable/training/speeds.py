"""How fast this machine trains: a few steps of each scope, before minutes become steps."""

import time
from collections.abc import Iterator, Sequence

import torch

from boxable.training.inputs import Batch, BatchSource
from boxable.training.learner import Learner
from boxable.training.order import SampleOrder
from boxable.training.plan import Speeds
from boxable.training.ranks import Ranks
from boxable.training.recipes import Recipe
from boxable.training.trainee import Trainee
from boxable.weights.model import Model

# Batches that each worker makes, and steps that are taken, after the first, which is slower.
_BATCHES, _STEPS = 2, 2


def measure_speeds(
    model: Model, scopes: Sequence[str], recipe: Recipe, source: BatchSource, order: SampleOrder, batch_size: int,
    ranks: Ranks, kept: Model | None, validation_s: float,
) -> Speeds:  # fmt: skip
    """Measure the seconds of a step by scope, and of computing the features of an image; the model stays as it is.

    All ranks take part, and return what the slowest of them measured.
    """
    steps, of_image = {}, 0.0
    for scope in scopes:
        trainee = Trainee(model, scope, ranks.device, kept=kept)
        learner = Learner(trainee, recipe, ranks)
        count = 1 + _BATCHES * max(1, source.workers)
        first = range(0, count * batch_size, batch_size)
        batch, of_batch = _made(
            source.live(trainee, [order.keys(start, batch_size)[ranks.rank :: ranks.count] for start in first]), ranks
        )
        times = []
        for step in range(1 + _STEPS):
            _wait(ranks.device)
            started = time.perf_counter()
            learner.step([batch], 0.0, step)
            _wait(ranks.device)
            times.append(time.perf_counter() - started)
        steps[scope] = min(times[1:])
        if trainee.frozen.graph.ops:
            of_image = of_batch / batch_size
        else:  # images are read while steps are taken
            steps[scope] = max(steps[scope], of_batch)
    figures = torch.tensor([*steps.values(), of_image, validation_s], dtype=torch.float64, device=ranks.device)
    *of_steps, of_image, validation_s = ranks.maximum(figures).tolist()
    return Speeds(dict(zip(steps, of_steps, strict=True)), of_image, validation_s)


def _made(batches: Iterator[Batch], ranks: Ranks) -> tuple[Batch, float]:
    """Make batches; return the first one, and the mean seconds of the others."""
    first, times = next(batches), [time.perf_counter()]
    for _ in batches:
        _wait(ranks.device)
        times.append(time.perf_counter())
    return first, (times[-1] - times[0]) / (len(times) - 1)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
