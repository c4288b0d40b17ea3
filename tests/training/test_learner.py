"""One step of training: the same for any division of its images, and from any checkpoint."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from boxable.networks.architectures import ARCHITECTURES
from boxable.training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from boxable.training.inputs import Batch
from boxable.training.learner import CLIP_NORM, Learner
from boxable.training.matching import match_anchors
from boxable.training.ranks import Ranks, open_ranks
from boxable.training.recipes import DefaultRecipe, OriginalRecipe, Recipe
from boxable.training.samples import SampleRules
from boxable.training.state import State
from boxable.training.targets import BatchTargets, ImageTargets, collate_targets
from boxable.training.trainee import Trainee
from boxable.vocabulary import ClassList
from boxable.weights.extend_classes import initialized
from boxable.weights.model import Model
from tests.openimages.made import CAT, DOG
from tests.training.runs import in_ranks

ALONE = Ranks(0, 1, torch.device("cpu"))
CLASSES = ClassList.from_mids([(CAT, ""), (DOG, "")])
IMAGES = 4


@cache
def made_model() -> Model:
    return initialized(ARCHITECTURES["ssd_mobilenet_v2"](2), CLASSES, "made", seed=0)


def recipe_named(name: str) -> Recipe:
    anchors = torch.from_numpy(np.array(made_model().network.head.anchors))
    if name == "original":
        return OriginalRecipe(anchors)
    return DefaultRecipe(anchors, torch.zeros(2, 2, dtype=torch.bool), torch.ones(2, dtype=torch.bool), SampleRules(),
                         eql=name == "eql")  # fmt: skip


def learner_of(recipe: str, scope: str = "head", ranks: Ranks = ALONE, *, statistics: bool = False) -> Learner:
    momentum = 0.1 if statistics else None
    return Learner(
        Trainee(made_model(), scope, ranks.device, batch_norm_momentum=momentum), recipe_named(recipe), ranks
    )


def made_batch(learner: Learner, step: int = 0, empty: bool = False) -> Batch:
    """Random features, of images with one or two boxes each."""
    rng = np.random.default_rng(step)
    shapes = learner.trainee.feature_shapes
    features = {name: torch.from_numpy(rng.random((IMAGES, *shape), np.float32)) for name, shape in shapes.items()}
    images = []
    for number in range(IMAGES):
        low = rng.random((0 if empty else 1 + number % 2, 2), np.float32) / 2
        boxes = np.concatenate([low, low + 0.4], 1)
        match = match_anchors(boxes, made_model().network.head.anchors)
        columns, weights = rng.integers(0, 2, len(boxes)), np.ones(len(boxes), np.float32)
        images.append(ImageTargets(match, boxes, columns, weights, np.ones(2, np.bool_)))
    return features, collate_targets(images)


def part(batch: Batch, rows: slice) -> Batch:
    features, targets = batch
    fields = (targets.match, targets.boxes, targets.columns, targets.weights, targets.verified)
    return {name: values[rows] for name, values in features.items()}, BatchTargets(*(values[rows] for values in fields))


def assert_close(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], tolerance: float) -> None:
    """Compare tensors relative to the largest value of each."""
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        scale = float(values.abs().max().clamp(min=1e-3))
        assert float((found[name] - values).abs().max()) <= tolerance * scale, name


def assert_equal(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name, values in expected.items() if not torch.equal(found[name], values)] == []


@pytest.mark.parametrize("parts", [2, 4])
@pytest.mark.parametrize("recipe", ["original", "default"])
def test_the_parts_of_a_batch_are_the_batch(recipe: str, parts: int) -> None:
    whole, divided = learner_of(recipe), learner_of(recipe)
    for step in range(2):
        batch = made_batch(whole, step)
        expected = whole.step([batch], 1e-3, step)
        found = divided.step([part(batch, slice(first, None, parts)) for first in range(parts)], 1e-3, step)
        assert found.total == pytest.approx(expected.total, rel=1e-5)
        assert found.regularization == pytest.approx(expected.regularization, rel=1e-5)
        assert found.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-5)
    assert_close(divided.tensors(), whole.tensors(), 1e-5)


def _two_steps(recipe: str, scope: str, accumulate: int) -> tuple[dict[str, Tensor], list[tuple[float, ...]]]:
    with open_ranks() as ranks:
        learner = learner_of(recipe, scope, ranks)
        losses = []
        for step in range(2):
            own = part(made_batch(learner, step), slice(ranks.rank, None, ranks.count))
            parts = [part(own, slice(first, None, accumulate)) for first in range(accumulate)]
            found = learner.step(parts, 1e-3, step)
            losses.append((found.localization, found.classification, found.regularization, found.gradient_norm))
        return learner.tensors(), losses


@pytest.mark.parametrize(("recipe", "scope"), [
    ("original", "head"), ("default", "head"), ("original", "all")
])  # fmt: skip
def test_two_processes_are_one_with_the_whole_batch(recipe: str, scope: str) -> None:
    expected, losses = _two_steps(recipe, scope, 1)
    (first, found), (second, other) = in_ranks(2, _two_steps, recipe, scope, 2 if scope == "head" else 1)
    assert found == other
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    assert_equal(second, first)
    assert_close(first, expected, 1e-5)


@pytest.mark.parametrize("recipe", ["original", "default"])
def test_a_batch_without_boxes_is_divided_by_one(recipe: str) -> None:
    learner = learner_of(recipe)
    features, targets = made_batch(learner, empty=True)
    sums = recipe_named(recipe).loss(learner.trainee.trained(features), targets, None)
    losses = learner.step([(features, targets)], 1e-3, 0)
    assert losses.is_finite
    assert (losses.localization, losses.classification) == (0, pytest.approx(float(sums.classification.detach())))


def test_the_norm_of_gradients_is_limited() -> None:
    learner = learner_of("original")
    assert learner.step([made_batch(learner)], 1e-3, 0).gradient_norm > 2 * CLIP_NORM
    # The mean square of RMSProp is 0.9 + 0.1 g^2 after the first step.
    squares = [(values - 0.9) / 0.1 for name, values in learner.tensors().items() if "/mean_square/" in name]
    assert float(torch.cat([values.flatten() for values in squares]).sum().sqrt()) == pytest.approx(CLIP_NORM, rel=1e-3)


@pytest.mark.parametrize("recipe", ["original", "default"])
def test_a_step_that_is_not_finite_is_not_taken(recipe: str) -> None:
    learner = learner_of(recipe)
    learner.step([made_batch(learner)], 1e-3, 0)
    before = {name: values.clone() for name, values in learner.tensors().items()}
    features, targets = made_batch(learner, 1)
    spoilt = {name: values * torch.nan for name, values in features.items()}
    losses = learner.step([part((features, targets), slice(0, 2)), part((spoilt, targets), slice(2, 4))], 1e-3, 1)
    assert not losses.is_finite
    assert_equal(learner.tensors(), before)


def test_the_learning_rate_is_that_of_the_step() -> None:
    learner = learner_of("default")
    batch = made_batch(learner)
    learner.step([batch], 1e-3, 0)
    before = {name: values.clone() for name, values in learner.tensors().items()}
    learner.step([batch], 0.0, 1)
    assert_equal(
        {name: values for name, values in learner.tensors().items() if name.startswith("variable/")},
        {name: values for name, values in before.items() if name.startswith("variable/")},
    )


@pytest.mark.parametrize(("recipe", "scope", "statistics"), [
    ("original", "head", False), ("default", "head", False), ("eql", "head", False), ("original", "all", True),
    ("default", "neck", True),
])  # fmt: skip
def test_from_a_checkpoint_it_goes_on_bit_by_bit(recipe: str, scope: str, statistics: bool, tmp_path: Path) -> None:
    make = partial(learner_of, recipe, scope, statistics=statistics)
    undisturbed, stopped = make(), make()
    batches = [made_batch(undisturbed, step) for step in range(3)]

    def train(learner: Learner, steps: Sequence[int]) -> None:
        for step in steps:
            assert learner.step([batches[step]], 1e-3 / (1 + step), step).is_finite

    train(undisturbed, (0, 1, 2))
    train(stopped, (0, 1))
    save_checkpoint(Checkpoint(stopped.model(), stopped.tensors(), State()), tmp_path / "last")
    saved = load_checkpoint(tmp_path / "last")
    assert saved is not None
    momentum = 0.1 if statistics else None
    trainee = Trainee(saved.model, scope, ALONE.device, batch_norm_momentum=momentum)
    resumed = Learner(trainee, recipe_named(recipe), ALONE)
    resumed.load(saved.tensors)
    train(resumed, (2,))
    assert_equal(resumed.tensors(), undisturbed.tensors())
    assert resumed.model().to_bytes() == undisturbed.model().to_bytes()
    assert any(name.startswith("reweighting/") for name in saved.tensors) == (recipe == "eql")


def test_the_default_recipe_is_evaluated_with_averages_and_the_original_without() -> None:
    for recipe, kind in (("default", "average"), ("original", "variable")):
        learner = learner_of(recipe)
        learner.step([made_batch(learner)], 1e-2, 0)
        before = {name: values.clone() for name, values in learner.tensors().items()}
        name = next(name for name in learner.trainee.parameters if name.endswith("ClassPredictor/biases"))
        np.testing.assert_array_equal(learner.model().weights[name], before[f"{kind}/{name}"].numpy())
        assert not torch.equal(before[f"average/{name}"], before[f"variable/{name}"])
        assert_equal(learner.tensors(), before)


def test_classes_are_reweighted_anew_in_each_training() -> None:
    """Measuring the speed of steps must not change those that follow."""
    recipe = recipe_named("eql")
    first, second = (Learner(Trainee(made_model(), "head", ALONE.device), recipe, ALONE) for _ in range(2))
    first.step([made_batch(first)], 0.0, 0)
    assert first.tensors()["reweighting/negative"].sum() > 0
    assert second.tensors()["reweighting/negative"].sum() == 0
