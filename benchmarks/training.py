"""Training on this machine: images a second of the heads and of everything, and what the loop adds to computing.

    python benchmarks/training.py --out training.json

Of a network with 5 classes, with the default recipe and batches of 32:
- `head` reads features from the cache, `all` computes everything from images in memory: their ratio.
- The loop (targets, loss, optimizer, moving average, log) beside forward and backward alone of the same batch.
"""

import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from measure import arguments, figure, machine, report
from PIL import Image

from boxable.cli.process import keep_freed_memory
from boxable.training.checkpoints import Checkpoint
from boxable.training.data import open_training_data
from boxable.training.inputs import Batch, BatchSource, Keys
from boxable.training.loop import Job, Loop
from boxable.training.options import Options
from boxable.training.plan import Phase, Plan
from boxable.training.ranks import open_ranks
from boxable.training.setup import Setup, prepare
from boxable.training.state import State
from boxable.training.trainee import Trainee
from boxable.training.validation import Validation

ROOT = Path(__file__).parent.parent
CLASSES = ("Cat", "Coffee cup", "Person", "Rocket", "Clock")
IMAGES, VIEWS, BATCH = 40, 2, 32
STEPS = {"all": 3, "head": 40}


def write_set(folder: Path) -> None:
    """Write a set of example images with random boxes of five classes."""
    rng = np.random.default_rng(0)
    rows = ["ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax"]
    (folder / "images").mkdir(parents=True)
    mids = [f"user/{name.lower().replace(' ', '-')}" for name in CLASSES]
    named = [f"{mid},{name}" for mid, name in zip(mids, CLASSES, strict=True)]
    (folder / "classes.csv").write_text("\n".join(["LabelName,DisplayName", *named]) + "\n")
    examples = [Image.open(path).convert("RGB") for path in sorted((ROOT / "examples").glob("*.png"))]
    for number in range(IMAGES):
        examples[number % len(examples)].save(folder / "images" / f"{number:03}.jpg", quality=90 - number % 8)
        for mid in rng.choice(mids, 6):
            low, size = rng.uniform(0, 0.7, 2), rng.uniform(0.1, 0.3, 2)
            (ymin, xmin), (ymax, xmax) = low, low + size
            rows.append(f"{number:03},made,{mid},1,{xmin:.4f},{xmax:.4f},{ymin:.4f},{ymax:.4f}")
    (folder / "annotations-bbox.csv").write_text("\n".join(rows) + "\n")


@dataclass(frozen=True, eq=False)
class InMemory(BatchSource):
    """The same batch again and again: data that cost nothing."""

    batch: Batch

    def live(self, trainee: Trainee, plan: Iterable[Keys]) -> Iterator[Batch]:
        """Yield the batch for each list of keys."""
        return (self.batch for _ in plan)


def step_seconds(job: Job, setup: Setup, scope: str, views: int) -> list[float]:
    """Run the loop for some steps of a scope; return the seconds of each but the first two."""
    times: list[float] = []
    steps = STEPS[scope] + 2
    plan = Plan((Phase(scope, steps, steps + 1, views),), BATCH)
    Loop(replace(job, plan=plan, show=lambda step: times.append(time.perf_counter())), start(setup)).run()
    return np.diff(times)[1:].tolist()


def start(setup: Setup) -> Checkpoint:
    return Checkpoint(setup.start, {}, State())


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[Setup, Validation, Path]]:
    write_set(folder / "set")
    options = Options(folder / "set", "ssd23", folder / "run")
    (folder / "run").mkdir()
    with open_ranks() as ranks, open_training_data(options.data) as data:
        setup = prepare(options, data, ranks)
        yield setup, Validation(data.validation, data.annotations), options.out


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.set_defaults(rounds=7)
    given = parser.parse_args()
    keep_freed_memory()
    about = machine(("torch", "numpy")) | {"threads": torch.get_num_threads()}
    with tempfile.TemporaryDirectory() as folder, prepared(Path(folder)) as (setup, validation, out):
        trainee = Trainee(setup.start, "all", setup.ranks.device)
        (batch,) = setup.source.live(trainee, [setup.order.keys(0, BATCH)])
        memory = InMemory(setup.source.samples, setup.source.images, setup.source.workers, batch)
        cached = Job(out, Plan((), BATCH), setup, validation, accumulate=1, log=None, show=print)
        job = replace(cached, setup=replace(setup, source=memory))

        def bare() -> None:
            outputs = trainee.trained(dict(batch[0]))
            sum(values.sum() for values in outputs.values()).backward()
            trainee.trained.zero_grad()

        seconds: dict[str, list[float]] = {"all": [], "head": [], "bare": []}
        for _ in range(given.rounds):
            seconds["all"] += step_seconds(job, setup, "all", 0)
            for _ in range(STEPS["all"]):
                began = time.perf_counter()
                bare()
                seconds["bare"].append(time.perf_counter() - began)
            seconds["head"] += step_seconds(cached, setup, "head", VIEWS)
    median = {name: statistics.median(values) for name, values in seconds.items()}
    report(
        {
            "all: images a second": figure(BATCH / median["all"], "/s"),
            "head, from the cache: images a second": figure(BATCH / median["head"], "/s"),
            "head beside all": figure(median["all"] / median["head"], "x", ">= 30"),
            "the loop beside forward and backward alone": figure(median["bare"] / median["all"], "x", ">= 0.85"),
        },
        about,
        given.out,
    )  # fmt: skip


if __name__ == "__main__":
    main()
