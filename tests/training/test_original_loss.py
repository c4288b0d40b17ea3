"""The loss of the original recipe has the values of the original: analytic cases, and two recorded batches."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from boxable.arrays import Floats
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.networks.heads.box_coder_torch import decode, encode
from boxable.networks.torch_backend import TorchGraph
from boxable.networks.torch_layers import torch_axes
from boxable.training.losses import (
    LossSums,
    cross_entropies,
    localization_losses,
    original_loss,
)
from boxable.training.matching import match_anchors
from boxable.training.mining import hardest, mine
from boxable.training.regularization import l2_loss, regularized_variables
from boxable.training.targets import BatchTargets, ImageTargets, collate_targets
from boxable.weights.pull import open_model
from tests.parity.formula_weights import formula_weights

ANCHORS = ssd_mobilenet_v2(2).head.anchors
PLACED = torch.tensor(ANCHORS)
Boxes = list[tuple[float, float, float, float]]


def image_targets(objects: Any, columns: Any, classes: int, weights: Any = None) -> ImageTargets:
    boxes = np.array(objects, np.float32).reshape(-1, 4)
    weight = np.ones(len(boxes), np.float32) if weights is None else np.array(weights, np.float32)
    match = match_anchors(boxes, ANCHORS, weight)
    return ImageTargets(match, boxes, np.array(columns, np.int64), weight, np.ones(classes, bool))


def normalized(sums: LossSums, targets: BatchTargets) -> tuple[float, float]:
    most = targets.normalizer.clamp(min=1)
    return float(sums.localization / most), float(sums.classification / most)


def zeros() -> dict[str, torch.Tensor]:
    return {"box_encodings": torch.zeros(1, 1917, 4), "class_logits": torch.zeros(1, 1917, 602)}


def waves() -> dict[str, torch.Tensor]:
    anchor, column, code = np.arange(1917.0)[:, None], np.arange(602.0), np.arange(4.0)
    codes, logits = 0.5 * np.cos(0.13 * anchor + 0.7 * code), 4 * np.sin(0.37 * anchor + 0.011 * column) - 2
    return {"box_encodings": torch.tensor(codes[None]).float(), "class_logits": torch.tensor(logits[None]).float()}


BOX = (0.1, 0.2, 0.6, 0.7)
NINE = dict.fromkeys((1232, 1286, 1292, 1298, 1352, 1725, 1726, 1727, 1730), 0)


@pytest.mark.parametrize(
    ("objects", "classes", "outputs", "localization", "classification", "matched"),
    [
        pytest.param([BOX], [68], zeros(), 2.3329675, 1669.0986, NINE, id="a"),
        pytest.param([BOX], [68], waves(), 2.6188726, 1560.9268, NINE, id="b"),
        pytest.param([(0.5, 0.5, 0.505, 0.505)], [10], waves(), 28.125359, 1557.9087, {540: 0}, id="c"),
        pytest.param([BOX, BOX], [570, 392], waves(), 2.6188726, 1560.4899, NINE, id="d"),
        pytest.param([], [], waves(), 0.0, 1211.4009, {}, id="e"),
        pytest.param(
            [BOX, (0, 0, 1, 1), (0.3, 0.3, 0.42, 0.45)], [68, 570, 0], waves(), 2.3899777, 1560.5509,
            NINE | {363: 2, 1862: 1, 1911: 1}, id="f",
        ),
    ],
)  # fmt: skip
def test_analytic_cases_have_the_values_of_the_original(
    objects: Boxes, classes: list[int], outputs: dict[str, torch.Tensor], localization: float, classification: float,
    matched: dict[int, int],
) -> None:  # fmt: skip
    """SEMANTICS §7.5."""
    image = image_targets(objects, classes, 601)
    found = {anchor: int(image.match[anchor]) for anchor in np.flatnonzero(image.match >= 0)}
    assert matched.items() <= found.items()
    assert len(found) == (15 if len(objects) == 3 else len(matched))
    targets = collate_targets([image])
    assert normalized(original_loss(outputs, targets, PLACED), targets) == pytest.approx(
        (localization, classification), rel=1e-6
    )
    assert targets.normalizer == len(found)


def test_losses_are_summed_over_the_mined_anchors_by_the_weights_of_their_boxes() -> None:
    image = image_targets([BOX], [1], 2, weights=[0.5])
    shifted = torch.tensor(BOX) + 0.01
    matched = torch.tensor(image.match) == 0
    # All nine anchors predict one box, so that NMS keeps the first of them, and three negatives with it.
    codes = torch.where(matched[:, None], encode(shifted, PLACED), 0.0)
    outputs = {"box_encodings": codes[None], "class_logits": torch.zeros(1, 1917, 3)}
    targets = collate_targets([image])
    sums = original_loss(outputs, targets, PLACED)
    assert targets.normalizer == 9 * 0.5
    assert sums.classification.item() == pytest.approx((0.5 + 3) * 3 * np.log(2), rel=1e-6)
    # Half the square of both center codes, 10 times the shift over the anchor's size; the weight is 0.5.
    assert sums.localization.item() == pytest.approx(0.5 * (0.1 / (ANCHORS[1232][2] - ANCHORS[1232][0])) ** 2, rel=1e-3)


def test_box_codes_are_those_of_the_original() -> None:
    """SEMANTICS §7.5."""
    boxes = torch.tensor([BOX, (0.5, 0.5, 0.505, 0.505)])
    codes = encode(boxes, PLACED[[1232, 540]])
    theirs = [[2.3904572, -0.00000071, 0.8916872, 0.8916872], [0.24999969, 0.24999969, -14.978658, -14.978658]]
    torch.testing.assert_close(codes, torch.tensor(theirs), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(decode(codes, PLACED[[1232, 540]]), boxes, rtol=0, atol=1e-6)
    assert encode(torch.zeros(4), PLACED[0]).isfinite().all()


@dataclass(frozen=True)
class Recorded:
    """A batch of the recording: what the original was given, and what it computed."""

    facts: Mapping[str, Any]
    regularized: Sequence[str]
    arrays: Mapping[str, Floats]
    targets: BatchTargets
    module: TorchGraph
    images: torch.Tensor


@pytest.fixture(scope="module", params=["real23", "formula601"])
def network(request: pytest.FixtureRequest, reference: Path) -> tuple[str, TorchGraph]:
    name: str = request.param
    if name == "real23":
        request.getfixturevalue("ssd23_weights")
        model = open_model("ssd23").model()
        (graph,), weights = model.network.graphs.values(), model.weights
    else:
        made_up = ssd_mobilenet_v2(601)
        (graph,), weights = made_up.graphs.values(), formula_weights(made_up.variables)
    return name, TorchGraph(graph, weights).eval()


@pytest.fixture(scope="module", params=["A", "B"])
def recorded(request: pytest.FixtureRequest, network: tuple[str, TorchGraph], reference: Path) -> Recorded:
    name, module = network
    everything = json.loads((reference / "loss" / f"{name}.json").read_text())
    facts = everything[request.param]
    with np.load(reference / "loss" / f"{name}_{request.param}.npz") as file:
        arrays = dict(file)
    photos = [np.asarray(Image.open(reference / "photos" / f"{photo}.png").convert("RGB")) for photo in facts["photos"]]
    images = torch.from_numpy(np.stack([ssd_mobilenet_v2(2).preprocess(photo) for photo in photos]))
    weights = facts["groundtruth_weights"]
    rows = zip(
        facts["groundtruth_boxes"], facts["groundtruth_classes_0based"], [int(name[-2:])] * 2,
        [None, None] if weights == "all 1" else weights, strict=True,
    )  # fmt: skip
    targets = collate_targets([image_targets(*row) for row in rows])
    return Recorded(facts, everything["regularised_variables"], arrays, targets, module, images)


def test_targets_are_the_recorded_ones(recorded: Recorded) -> None:
    targets, theirs = recorded.targets, recorded.arrays
    np.testing.assert_array_equal(targets.match, theirs["match"])
    columns = torch.where(targets.matched, targets.of_anchors(targets.columns) + 1, 0)
    np.testing.assert_array_equal(columns, theirs["cls_target_class"])
    np.testing.assert_array_equal(targets.box_weights, theirs["reg_weights"])
    codes = encode(targets.of_anchors(targets.boxes), PLACED)[targets.matched]
    np.testing.assert_array_equal(targets.matched.nonzero(), theirs["positive_image_anchor"])
    np.testing.assert_allclose(codes, theirs["positive_reg_targets"], rtol=1e-6, atol=1e-5)


@torch.no_grad()
def test_losses_and_mined_anchors_are_the_recorded_ones(recorded: Recorded) -> None:
    outputs, targets, theirs = recorded.module({"images": recorded.images}), recorded.targets, recorded.arrays
    localization = localization_losses(outputs["box_encodings"], targets, PLACED)
    classification = cross_entropies(outputs["class_logits"], targets)
    np.testing.assert_allclose(localization, theirs["loc_loss_per_anchor"], rtol=0, atol=3e-4)
    np.testing.assert_allclose(classification, theirs["cls_loss_per_anchor"], rtol=0, atol=3e-4)

    boxes = decode(outputs["box_encodings"], PLACED)
    kept = mine(classification, boxes, targets.match)
    for image in range(2):
        survivors = set(hardest(classification[image].numpy(), boxes[image].numpy()).tolist())
        assert survivors == set(theirs[f"miner_before_ratio_image{image}"].tolist())
        assert set(kept[image].nonzero()[:, 0].tolist()) == set(theirs[f"miner_kept_image{image}"].tolist())

    sums, facts = original_loss(outputs, targets, PLACED), recorded.facts
    theirs_normalized = facts["localization_loss"], facts["classification_loss"]
    assert normalized(sums, targets) == pytest.approx(theirs_normalized, rel=1e-5)
    assert targets.normalizer.clamp(min=1) == facts["normalizer"]


@pytest.mark.parametrize("regularized", [False, True], ids=["detection", "total"])
def test_gradients_are_the_recorded_ones(recorded: Recorded, regularized: bool) -> None:
    module, facts, theirs = recorded.module, recorded.facts, recorded.arrays
    variables, layers = module.variables(), module.graph.layers
    names = regularized_variables(layers)
    assert sorted(names) == sorted(f"{layer}/weights" for layer in recorded.regularized)

    sums = original_loss(module({"images": recorded.images}), recorded.targets, PLACED)
    loss, kind = (sums.localization + sums.classification) / recorded.targets.normalizer.clamp(min=1), "detection"
    if regularized:
        regularization = l2_loss(variables[name] for name in names)
        assert regularization.item() == pytest.approx(facts["regularization_loss"], rel=1e-5)
        loss, kind = loss + regularization, "total"
    assert loss.item() == pytest.approx(facts[f"{kind}_loss"], rel=1e-5)

    trainable = [name for name, variable in variables.items() if variable.requires_grad]
    found = dict(zip(trainable, torch.autograd.grad(loss, [variables[name] for name in trainable]), strict=True))
    assert sorted(trainable) == sorted(theirs["grad_variable_names"].tolist())
    norms = [found[name].norm().item() for name in theirs["grad_variable_names"].tolist()]
    np.testing.assert_allclose(norms, theirs[f"grad_{kind}_l2_norms"], rtol=3e-3)

    axes = {layer.kernel_name: tuple(np.argsort(torch_axes(layer))) for layer in layers}
    for key in [key for key in theirs if key.startswith(f"grad_{kind}|")]:
        name = key.split("|")[1]
        values = found[name].permute(axes[name]) if name in axes else found[name]
        tolerance = 1e-2 * found[name].abs().max().item()
        np.testing.assert_allclose(values.flatten()[::97], theirs[key], rtol=0, atol=tolerance)
