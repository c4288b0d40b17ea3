"""How fast this machine trains: a few steps of each scope, before minutes become steps."""

import time
from collections.abc import Sequence

import torch

from boxable.training.inputs import BatchSource
from boxable.training.learner import Learner
from boxable.training.order import SampleOrder
from boxable.training.plan import Speeds
from boxable.training.ranks import Ranks
from boxable.training.recipes import Recipe
from boxable.training.trainee import Trainee
from boxable.weights.model import Model

# Steps after the first, which is slower.
_STEPS = 2


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
        keys = order.keys(0, batch_size)[ranks.rank :: ranks.count]
        started = time.perf_counter()
        (batch,) = source.live(trainee, [keys])
        if trainee.frozen.graph.ops:
            of_image = (time.perf_counter() - started) / batch_size
        times = []
        for step in range(1 + _STEPS):
            _wait(ranks.device)
            started = time.perf_counter()
            learner.step([batch], 0.0, step)
            _wait(ranks.device)
            times.append(time.perf_counter() - started)
        steps[scope] = min(times[1:])
    figures = torch.tensor([*steps.values(), of_image, validation_s], dtype=torch.float64, device=ranks.device)
    *of_steps, of_image, validation_s = ranks.maximum(figures).tolist()
    return Speeds(dict(zip(steps, of_steps, strict=True)), of_image, validation_s)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
