"""Ablations of the default recipe: validation mAP@0.5 where one part of it is left out or changed.

    python benchmarks/ablations.py ../shared/data/tune-bccd --steps 300 --out bccd.json

Every variant takes the same steps of one scope from the same model, with each of the seeds; `--scope auto` takes two
numbers of steps, of the head and then of everything. The change is the mean over the seeds of the variant minus the
recipe as it is, and its interval is the mean of the paired intervals of the seeds, each of 1,000 bootstrap draws of the
validation images.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from finetuning import between
from measure import machine
from torch import Tensor
from torch.nn import functional

from boxable.cli.process import keep_freed_memory
from boxable.metrics.compare import compare
from boxable.metrics.evaluate import RESAMPLES, Evaluation
from boxable.metrics.run import as_run
from boxable.training.augmentation import DEFAULT
from boxable.training.checkpoints import LAST, Checkpoint
from boxable.training.data import open_training_data
from boxable.training.loop import Job, Loop
from boxable.training.options import Options
from boxable.training.plan import Phase, Plan
from boxable.training.ranks import open_ranks
from boxable.training.recipes import PEAKS, DefaultRecipe
from boxable.training.setup import prepare
from boxable.training.state import State
from boxable.training.validation import Validation
from boxable.weights.pull import open_model
from boxable.weights.store import CHECKPOINT_FILE

VIEWS, BATCH = 6, DefaultRecipe.batch_size
AS_IT_IS = "as it is"


def cross_entropies(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, labels.float(), weights, reduction="none")


@dataclass(frozen=True)
class Variant:
    """What is changed: options of the run, fields of the recipe, and names that are replaced in the code.

    With another batch size there are more or fewer steps, for the same number of images.
    """

    options: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    code: dict[str, Any] = field(default_factory=dict)
    batch_size: int = BATCH


def augmented(**changes: float) -> Variant:
    return Variant(code={"boxable.training.setup.DEFAULT": replace(DEFAULT, **changes)})


def variants() -> dict[str, Variant]:
    return {
        AS_IT_IS: Variant(),
        "no color distortion": augmented(colors=0.0),
        "no zoom-out": augmented(zoom_out=0.0),
        "no crop": augmented(crop=0.0),
        "no augmentation": augmented(flip=0.0, zoom_out=0.0, crop=0.0, colors=0.0),
        "no EMA": Variant(recipe={"ema_decay": 0.0}),
        "no warm-up": Variant(recipe={"warmup": 1}),
        "no color distortion, EMA, warm-up": replace(augmented(colors=0.0), recipe={"ema_decay": 0.0, "warmup": 1}),
        "flips only": augmented(zoom_out=0.0, crop=0.0, colors=0.0),
        "a third of the learning rate": Variant(recipe={"peaks": {scope: peak / 3 for scope, peak in PEAKS.items()}}),
        "three times the learning rate": Variant(recipe={"peaks": {scope: peak * 3 for scope, peak in PEAKS.items()}}),
        "half the batch, twice the steps": Variant(batch_size=BATCH // 2),
        "no prior (0.5)": Variant(code={"boxable.training.recipes.DefaultRecipe.prior": 0.5}),
        "cross-entropy, not focal": Variant(code={"boxable.training.losses.focal_losses": cross_entropies}),
        "annotations: verified": Variant(options={"annotations": "verified"}),
        "eql": Variant(options={"eql": True}),
    }


@contextmanager
def replaced(code: dict[str, Any]) -> Iterator[None]:
    patches = [patch(name, value) for name, value in code.items()]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        patch.stopall()


def trained(options: Options, plan: Plan, changed: Variant) -> None:
    opened = open_training_data(options.data, annotations=options.annotations)
    with replaced(changed.code), open_ranks() as ranks, opened as data:
        setup = prepare(options, data, ranks)
        setup = replace(setup, recipe=replace(setup.recipe, **changed.recipe))
        validation = Validation(data.validation, data.annotations)
        job = Job(options.out, plan, setup, validation, options.accumulate, log=None, show=lambda figures: None)
        Loop(job, Checkpoint(setup.start, {}, State())).run()


def phases(scope: str) -> tuple[str, ...]:
    return ("head", "all") if scope == "auto" else (scope,)


def planned(scope: str, steps: list[int], batch_size: int) -> Plan:
    """Plan so many steps of each phase, which are validated once; more of a smaller batch."""
    counts = [count * BATCH // batch_size for count in steps]
    views = {"head": VIEWS, "neck": VIEWS, "all": 0}
    return Plan(
        tuple(Phase(each, count, count, views[each]) for each, count in zip(phases(scope), counts, strict=True)),
        batch_size,
    )


def measured(given: Any, folder: Path, measure: Callable[[Path], Evaluation]) -> dict[str, list[Evaluation]]:
    """Train each variant with each seed; return the evaluations of the last step's models."""
    found: dict[str, list[Evaluation]] = {}
    for number, (name, changed) in enumerate(variants().items()):
        if given.only and name not in (AS_IT_IS, *given.only):
            continue
        plan = planned(given.scope, given.steps, changed.batch_size)
        for seed in range(given.seeds):
            out = folder / f"{number}-{seed}"
            out.mkdir()
            trained(Options(given.data, given.start, out, seed=seed, **changed.options), plan, changed)
            found.setdefault(name, []).append(measure(out / LAST / CHECKPOINT_FILE))
        print(f"{name}: {', '.join(f'{one.mean_ap:.3f}' for one in found[name])}", flush=True)
    return found


def row(name: str, found: list[Evaluation], base: list[Evaluation]) -> dict[str, Any]:
    differences = [
        compare(as_run(before, Path("a")), as_run(after, Path("b"))).mean
        for before, after in zip(base, found, strict=True)
    ]
    return {
        "variant": name,
        "map": float(np.mean([one.mean_ap for one in found])),
        "change": float(np.mean([one.change for one in differences])),
        "interval": np.mean([one.interval for one in differences], axis=0).tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--from", dest="start", default="ssd23")
    parser.add_argument("--scope", choices=["head", "neck", "all", "auto"], default="head")
    parser.add_argument("--steps", type=int, nargs="+", default=[300], help="of each phase")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", action="append", metavar="VARIANT", help="one of them, beside the recipe as it is")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures to this file")
    given = parser.parse_args()
    if len(given.steps) != len(phases(given.scope)):
        parser.error(f"--steps: expected a number for each of {', '.join(phases(given.scope))}")
    keep_freed_memory()
    about = machine(("torch", "numpy")) | {"set": given.data.name, "scope": given.scope, "steps": given.steps}
    with tempfile.TemporaryDirectory() as folder, open_training_data(given.data, annotations="exhaustive") as data:
        validation = Validation(data.validation, "exhaustive")
        found = measured(
            given, Path(folder), lambda path: validation.measure(open_model(str(path)).model(), resamples=RESAMPLES)[0]
        )
    rows = [row(name, evaluations, found[AS_IT_IS]) for name, evaluations in found.items()]
    steps = " + ".join(map(str, given.steps))
    print(f"{about['processor']}, {about['cores']} cores, {given.data.name}, {given.scope}, {steps} steps")
    print("| variant | mAP@0.5 | change | 95 % |\n|---|---|---|---|")
    for one in rows:
        change = ["", ""] if one["variant"] == AS_IT_IS else [f"{one['change']:+.3f}", between(one["interval"])]
        print(f"| {one['variant']} | {one['map']:.3f} | {change[0]} | {change[1]} |")
    if given.out is not None:
        given.out.write_text(json.dumps({"machine": about, "variants": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
