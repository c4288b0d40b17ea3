"""The loop: which samples it takes, when it validates, what each phase begins with."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from boxable.formats.annotations import Predictions, no_predictions
from boxable.hashing import hash_of_file
from boxable.metrics.evaluate import Evaluation
from boxable.training import loop as loop_module
from boxable.training.checkpoints import Checkpoint
from boxable.training.data import open_training_data
from boxable.training.inputs import Batch, BatchSource, Keys, as_views
from boxable.training.loop import Job, Loop
from boxable.training.options import Options
from boxable.training.order import SampleKey, SampleOrder
from boxable.training.plan import Phase, Plan
from boxable.training.ranks import open_ranks
from boxable.training.setup import prepare
from boxable.training.state import State
from boxable.training.trainee import Trainee
from boxable.training.validation import Validation
from boxable.weights.model import Model
from tests.training.runs import Run, in_ranks, shapes_set

SIZE, STEPS = 6, 3


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes_set(tmp_path_factory.mktemp("shapes") / "set")


@dataclass(frozen=True, eq=False)
class Recorded(BatchSource):
    """Samples of which the keys are recorded."""

    keys: list[Keys]

    def live(self, trainee: Trainee, plan: Iterable[Keys]) -> Iterator[Batch]:
        def noted() -> Iterator[Keys]:
            for keys in plan:
                self.keys.append(keys)
                yield keys

        return super().live(trainee, noted())


class Given(Validation):
    """Validations of which the mAP is known."""

    def __init__(self, maps: Iterable[float]) -> None:
        self.maps = iter(maps)

    def measure(self, model: Model, **options: object) -> tuple[Evaluation, Predictions]:
        return SimpleNamespace(mean_ap=next(self.maps)), no_predictions()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("maps", "least", "steps"),
    [((0.3, 0.4, 0.2, 0.6), 1, 4), ((0.3, 0.2, 0.1, 0.6), 1, 3), ((0.3, 0.2, 0.1, 0.6), 3, 4)],
)
def test_a_phase_that_improves_goes_on_below_the_best_model_so_far(
    shapes: Path, tmp_path: Path, ssd23_weights: Path, monkeypatch: pytest.MonkeyPatch, maps: tuple[float, ...],
    least: int, steps: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(loop_module, "LEAST_PATIENCE", least)
    with open_ranks() as ranks, open_training_data(shapes) as data:
        setup = prepare(Options(shapes, "ssd23", tmp_path, workers=0), data, ranks)
        plan = Plan((Phase("head", 4, 1),), 2)
        job = Job(tmp_path, plan, setup, Given(maps), 1, log=None, show=lambda figures: None)
        loop = Loop(job, Checkpoint(setup.start, {}, State(best_map=0.5)))
        loop.run()
    assert loop.state.step == steps
    assert loop.state.best_map == max(0.5, *maps[:steps])


def _keys(shapes: Path, out: Path, accumulate: int, state: State, views: int) -> list[Keys]:
    """Train from a state on; return the keys of the batches of this rank."""
    out.mkdir(exist_ok=True)
    with open_ranks() as ranks, open_training_data(shapes) as data:
        setup = prepare(Options(shapes, "ssd23", out, workers=0), data, ranks)
        source = Recorded(setup.source.samples, setup.source.images, 0, [])
        plan, validation = (
            Plan((Phase("head", STEPS, STEPS, views),), SIZE),
            Validation(data.validation, data.annotations),
        )
        job = Job(out, plan, replace(setup, source=source), validation, accumulate, log=None, show=print)
        Loop(job, Checkpoint(setup.start, {}, state)).run()
        return source.keys


@pytest.mark.parametrize(("ranks", "accumulate", "state", "views"), [
    (1, 3, State(), 0), (2, 1, State(), 0), (2, 3, State(step=1, phase_step=1, samples=16), 0), (2, 1, State(), 2)
])  # fmt: skip
def test_ranks_and_parts_divide_the_samples_of_each_step(
    shapes: Path, tmp_path: Path, ssd23_weights: Path, ranks: int, accumulate: int, state: State, views: int
) -> None:
    taken = in_ranks(ranks, _keys, shapes, tmp_path / "run", accumulate, state, views)
    order = SampleOrder(6, 0, np.ones(6))
    steps = STEPS - state.phase_step
    assert [len(batches) for batches in taken] == [steps * accumulate] * ranks
    for step in range(steps):
        parts = [batches[step * accumulate + number] for batches in taken for number in range(accumulate)]
        assert {len(keys) for keys in parts} == {SIZE // ranks // accumulate}
        expected: Sequence[SampleKey] = order.keys(state.samples + step * SIZE, SIZE)
        expected = as_views(expected, views) if views else expected
        assert sorted(key for keys in parts for key in keys) == sorted(expected)


def test_epochs_have_the_views_in_turn() -> None:
    keys = [SampleKey(epoch, 5) for epoch in range(5)]
    assert [key.epoch for key in as_views(keys, 3)] == [0, 1, 2, 0, 1]
    assert as_views([SampleKey(1, 5, 1), SampleKey(2, 4, 2)], 3) == [SampleKey(2, 5), SampleKey(1, 4)]


def lines_of(run: Path, kind: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


def test_a_phase_ends_without_better_validations_and_the_next_begins_with_the_best(
    shapes: Path, tmp_path: Path, ssd23_weights: Path
) -> None:
    """Here after two, to save time."""
    run = Run("train", shapes, "--from", "ssd23", "--out", tmp_path / "run", "--steps", "40", "--batch-size", "4",
              "--workers", "0", printed=tmp_path / "printed.txt",
              kill_at=("boxable.training.loop:Loop._train", 2))  # fmt: skip
    assert run.end() == -9
    steps = [line["step"] for line in lines_of(tmp_path / "run", "validation")]
    maps = [float(str(line["map"])) for line in lines_of(tmp_path / "run", "validation")][1:]
    assert steps == [0, *range(2, 2 * len(maps) + 1, 2)]
    assert len(maps) < 10
    best = maps.index(max(maps))
    assert len(maps) == best + 1 + 2
    best_state, last_state = (
        json.loads((tmp_path / "run" / name / "state.json").read_text()) for name in ("best", "last")
    )
    assert best_state["step"] == best_state["best_step"] == last_state["best_step"] == 2 * (best + 1)
    assert (last_state["phase"], last_state["phase_step"], last_state["stale"]) == (1, 0, 0)
    assert last_state["step"] == 2 * len(maps)
    assert last_state["samples"] == 8 * len(maps)
    assert hash_of_file(tmp_path / "run" / "last" / "model.safetensors") == hash_of_file(
        tmp_path / "run" / "best" / "model.safetensors"
    )
    assert "head: ended early, 2 validations in a row without a better one" in run.output
    assert [line["step"] for line in lines_of(tmp_path / "run", "train")] == [*range(1, 2 * len(maps) + 1)]
