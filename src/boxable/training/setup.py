"""What a run is made of, from its options and data: the starting model, the recipe, the samples, the plan."""

import json
import time
from dataclasses import dataclass, replace

import numpy as np
import torch

from boxable.errors import ArgumentError
from boxable.hashing import sha256_of
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.heads.ssd import SsdHead
from boxable.networks.walk import has_statistics
from boxable.settings import available_cores
from boxable.training.augmentation import DEFAULT
from boxable.training.class_targets import ancestor_matrix
from boxable.training.data import TrainingData
from boxable.training.features import views_that_fit
from boxable.training.inputs import BatchSource
from boxable.training.options import MINUTES, RANDOM, Options
from boxable.training.order import SampleOrder, repeat_factors
from boxable.training.plan import Plan, plan_minutes, plan_steps
from boxable.training.ranks import Ranks
from boxable.training.recipes import DefaultRecipe, OriginalRecipe, Recipe
from boxable.training.result_classes import label_columns, result_classes
from boxable.training.samples import SampleRules, Samples
from boxable.training.speeds import measure_speeds
from boxable.training.trainee import Trainee
from boxable.vocabulary import ClassList
from boxable.weights.extend_classes import initialized, with_classes
from boxable.weights.model import Model
from boxable.weights.pull import open_model

RANDOM_ARCHITECTURE = "ssd_mobilenet_v2"


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """The parts of a run.

    `start` is the model with the classes of the result. `known` are the classes of the starting model. `kept` is the
    starting model itself where its class columns stay. `batch_statistics`: batch norms are trained.
    """

    start: Model
    known: ClassList
    kept: Model | None
    batch_statistics: bool
    recipe: Recipe
    order: SampleOrder
    source: BatchSource
    ranks: Ranks


def prepare(options: Options, data: TrainingData, ranks: Ranks) -> Setup:
    """Open the starting model, and make the parts of a run. Raises ArgumentError and WeightsError."""
    return assemble(options, data, ranks, *_start(options, data))


def assemble(options: Options, data: TrainingData, ranks: Ranks, known: ClassList, start: Model) -> Setup:
    """Make the parts of a run from a model with the classes of the result, of which some are `known`."""
    head, device = start.network.head, ranks.device
    if not isinstance(head, SsdHead):
        raise ArgumentError(f"{start.network.name} cannot be trained; expected a single-stage detector")
    anchors = torch.from_numpy(np.array(head.anchors)).to(device)
    rules = SampleRules(DEFAULT, data.annotations)
    recipe: Recipe
    if options.recipe == "original":
        recipe = OriginalRecipe(anchors)
    else:
        ancestors = ancestor_matrix(start.classes)
        if data.annotations == "exhaustive":  # such annotations have no hierarchy: an ancestor is another class
            ancestors = torch.zeros_like(ancestors)
        trained = torch.tensor([not options.keep or item not in known for item in start.classes])
        recipe = DefaultRecipe(
            anchors, ancestors.to(device), trained.to(device), rules, options.eql
        )  # fmt: skip
    _require_images_for(options.accumulate * ranks.count, options.batch_size or recipe.batch_size)
    factors = repeat_factors(data.images) if options.recipe == "default" else None
    order = SampleOrder(len(data.images), options.seed, factors)
    samples = Samples(
        data.images, order, label_columns(data.classes, start.classes), len(start.classes),
        head.anchors, start.network.preprocess, recipe.rules,
    )  # fmt: skip
    workers = options.workers if options.workers is not None else _workers(ranks)
    has_moving = has_statistics(start.network, start.weights)
    return Setup(
        start, known, with_classes(start, known, options.seed) if options.keep else None,
        has_moving and (options.recipe == "original" or options.start == RANDOM),
        recipe, order, BatchSource(samples, len(data.images), workers), ranks,
    )  # fmt: skip


def _start(options: Options, data: TrainingData) -> tuple[ClassList, Model]:
    """Open the starting model; return its classes, and the model with those of the result."""
    handle = options.name or options.out.resolve().name
    prior = DefaultRecipe.prior if options.recipe == "default" else None
    if options.start == RANDOM:
        nothing = ClassList(())
        classes = result_classes(data, nothing, keep=False)
        model = initialized(ARCHITECTURES[RANDOM_ARCHITECTURE](len(classes)), classes, handle, options.seed, prior)
        return nothing, replace(model, origin=f"trained from random variables on {options.data.resolve().name}")
    found = open_model(options.start).model()
    classes = result_classes(data, found.classes, keep=options.keep)
    model = with_classes(found, classes, options.seed, prior)
    origin = f"{found.handle}, trained on {options.data.resolve().name}"
    return found.classes, replace(model, handle=handle, origin=origin)


def _require_images_for(parts: int, batch_size: int) -> None:
    """Raise ArgumentError unless each rank and accumulation has an image of a batch."""
    if batch_size < parts:
        raise ArgumentError(
            f"batch_size: expected at least {parts}, an image for each rank and accumulation, got {batch_size}"
        )


def _workers(ranks: Ranks) -> int:
    """Choose the number of processes that make samples; on a CPU, half of the cores are left to training."""
    cores = available_cores() // ranks.on_this_machine
    return min(16, max(1, cores if ranks.device.type == "cuda" else cores // 2))


def make_plan(options: Options, setup: Setup, validation_s: float, began: float) -> Plan:
    """Plan the phases, by speeds that are measured where the run is bounded by minutes.

    The minutes count from `began`, a time of `time.perf_counter`.
    """
    scopes = _scopes(options)
    batch_size = options.batch_size or setup.recipe.batch_size
    trainee = Trainee(setup.start, "head", setup.ranks.device, kept=setup.kept)
    images = setup.source.images
    views = 0 if setup.ranks.is_distributed else views_that_fit(trainee.feature_shapes, images, options.out)
    if options.steps is not None:
        return plan_steps(scopes, options.steps, batch_size, images, views)
    speeds = measure_speeds(setup.start, scopes, setup.recipe, setup.source, setup.order, batch_size, setup.ranks,
                            setup.kept, validation_s)  # fmt: skip
    minutes = (options.minutes or MINUTES) - (time.perf_counter() - began) / 60
    return plan_minutes(scopes, minutes, batch_size, images, views, speeds)


def _scopes(options: Options) -> tuple[str, ...]:
    """Return the scopes of the phases; `auto` trains the head first, where the rest of the network is trained already.

    The original recipe has one phase, and so has a run of a single step.
    """
    if options.keep:
        return ("head",)
    if options.train != "auto":
        return (options.train,)
    one_phase = options.recipe == "original" or options.start == RANDOM or options.steps == 1
    return ("all",) if one_phase else ("head", "all")


def digest_of(data: TrainingData, start: Model) -> str:
    """Hash what a run depends on beside its arguments: images, boxes and classes of both sets, and the model.

    The content of image files is not part of it.
    """
    index, truth = data.images.dataset.index, data.validation.boxes
    arrays = (
        data.images.numbers, data.images.usable, index.box_starts, index.box, index.box_label, truth.box,
        truth.image.codes, truth.label.codes, *(values for _, values in sorted(start.weights.items())),
    )  # fmt: skip
    names = [*index.mids, *truth.image.values, *truth.label.values, *(item.mid for item in start.classes)]
    hashes = [sha256_of(np.ascontiguousarray(array).tobytes()) for array in arrays]
    return sha256_of(json.dumps([hashes, names]).encode())[:16]
