"""Post-processing in torch, whole batches at once, equals the one in NumPy: here on the CPU's torch."""

from typing import Any

import numpy as np
import pytest

import boxable
from boxable.images.sources import source_of
from boxable.networks.anchors import ssd_anchors
from boxable.networks.heads.nms import postprocess
from boxable.networks.heads.rules import NmsResult, PostprocessRules
from boxable.networks.heads.ssd import SsdHead
from boxable.runtimes import Concurrency
from boxable.runtimes.torch_runtime import TorchRuntime
from boxable.weights.pull import open_model
from tests.conftest import EXAMPLES

pytestmark = pytest.mark.optional

ANCHORS = ssd_anchors((19, 10, 5, 3, 2, 1))
PHOTOS = [str(EXAMPLES / name) for name in ("astronaut.png", "chelsea.png", "coffee.png")]


def in_torch(codes: np.ndarray, logits: np.ndarray, **rules: Any) -> list[NmsResult]:
    import torch

    from boxable.networks.heads.nms_torch import postprocess_batch

    return postprocess_batch(torch.tensor(codes), torch.tensor(logits), ANCHORS, PostprocessRules(**rules))


def in_numpy(codes: np.ndarray, logits: np.ndarray, **rules: Any) -> list[NmsResult]:
    return [postprocess(*heads, ANCHORS, PostprocessRules(**rules)) for heads in zip(codes, logits, strict=True)]


def assert_same(ours: list[NmsResult], theirs: list[NmsResult]) -> None:
    """The same set of detections; the order may differ where scores are equal but for rounding."""
    for found, expected in zip(ours, theirs, strict=True):
        mine, other = (np.lexsort((kept.anchors, kept.columns)) for kept in (found, expected))
        assert found.columns[mine].tolist() == expected.columns[other].tolist()
        assert found.anchors[mine].tolist() == expected.anchors[other].tolist()
        np.testing.assert_allclose(found.scores[mine], expected.scores[other], rtol=0, atol=1e-5)
        np.testing.assert_allclose(found.boxes[mine], expected.boxes[other], rtol=0, atol=1e-5)
        assert (np.diff(found.scores) <= 0).all()


def random_heads(seed: int, pictures: int = 2, classes: int = 12, spread: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Heads with strong overlap, each logit in one image its own."""
    generator = np.random.default_rng(seed)
    count = len(ANCHORS)
    codes = generator.normal(0, 1, (pictures, count, 4)).astype(np.float32)
    levels = np.linspace(-8, 4, count * (classes + 1))
    logits = np.stack([generator.permutation(levels) for _ in range(pictures)]).reshape(pictures, count, -1)
    return codes, (logits * spread).astype(np.float32)


@pytest.fixture(scope="module")
def runtime(detector: boxable.Detector) -> TorchRuntime:
    return TorchRuntime(open_model("ssd23"), Concurrency(2))


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What images were left to, beyond the first pass."""
    from boxable.networks.heads import nms_torch

    taken: list[str] = []
    original_tables, original_numpy = nms_torch._tables, nms_torch._by_numpy

    def tables(*arguments: Any) -> Any:
        taken.append("first" if arguments[-1] == nms_torch.FIRST else "second")
        return original_tables(*arguments)

    def by_numpy(*arguments: Any) -> NmsResult:
        taken.append("numpy")
        return original_numpy(*arguments)

    monkeypatch.setattr(nms_torch, "_tables", tables)
    monkeypatch.setattr(nms_torch, "_by_numpy", by_numpy)
    return taken


@pytest.mark.parametrize(
    "rules",
    [
        {}, {"min_score": 0.3}, {"max_detections": 5}, {"max_detections": 300}, {"nms": "class-agnostic"},
        {"columns": np.array([1, 4, 8])}, {"score_threshold": 0.9}, {"min_score": 1.0},
    ],
    ids=lambda rules: "-".join(rules) or "defaults",
)  # fmt: skip
def test_equals_numpy(rules: dict[str, Any]) -> None:
    heads = random_heads(1)
    assert_same(in_torch(*heads, **rules), in_numpy(*heads, **rules))


@pytest.mark.parametrize("rules", [{}, {"max_detections": 20}], ids=["defaults", "few"])
def test_heads_in_half_precision_have_ties_and_equal_numpy_all_the_same(rules: dict[str, Any]) -> None:
    codes, logits = (values.astype(np.float16) for values in random_heads(8))
    assert len(np.unique(logits[..., 1:])) < logits[..., 1:].size / 4
    ours = in_torch(codes, logits, **rules)
    expected = in_numpy(codes.astype(np.float32), logits.astype(np.float32), **rules)
    assert_same(ours, expected)
    assert [kept.anchors.tolist() for kept in ours] == [kept.anchors.tolist() for kept in expected]


@pytest.mark.parametrize("min_score", [0.0, 0.3])
def test_equals_numpy_on_photos(detector: boxable.Detector, runtime: TorchRuntime, min_score: float) -> None:
    images = np.stack([detector.network.preprocess(source_of(photo).pixels()) for photo in PHOTOS])
    outputs = runtime.run("detector", {"images": images})
    heads = outputs["box_encodings"], outputs["class_logits"]
    assert_same(in_torch(*heads, min_score=min_score), in_numpy(*heads, min_score=min_score))


def test_the_head_uses_it_where_the_runtime_leaves_its_outputs_on_a_device(detector: boxable.Detector) -> None:
    import torch

    rules = PostprocessRules(columns=np.array([1, 4]))
    codes, logits = random_heads(11)

    def run(on_device: bool) -> list[NmsResult]:
        outputs = {"box_encodings": codes, "class_logits": logits}
        given = {name: torch.tensor(values) for name, values in outputs.items()} if on_device else outputs
        return SsdHead("detector", ANCHORS).detect(lambda *_: given, np.zeros((2, 1, 1, 3), np.float32), rules)

    assert_same(run(on_device=True), run(on_device=False))


@pytest.mark.parametrize(("candidates", "rounds"), [(100, 12), (512, 1)], ids=["too-few", "too-short"])
def test_pictures_for_which_the_first_look_does_not_suffice_are_looked_at_again(
    passes: list[str], monkeypatch: pytest.MonkeyPatch, candidates: int, rounds: int
) -> None:
    from boxable.networks.heads import nms_torch

    monkeypatch.setattr(nms_torch, "FIRST", nms_torch.Pass(candidates, rounds))
    codes, logits = random_heads(2, pictures=3, classes=1)
    ours = in_torch(codes, logits)
    assert passes == ["first", "second"]
    assert_same(ours, in_numpy(codes, logits))


def test_what_is_still_open_is_left_to_numpy(passes: list[str]) -> None:
    codes, logits = random_heads(3, classes=3)
    logits[1] = 2.0  # every score the same: no number of candidates is surely complete
    ours = in_torch(codes, logits)
    assert passes.count("numpy") == 1
    assert_same(ours, in_numpy(codes, logits))


def test_ties_go_to_the_lower_class_then_to_the_lower_row() -> None:
    codes, logits = random_heads(4, pictures=1, classes=3)
    logits[:] = -50
    logits[0, [5, 900, 300, 700], [2, 1, 2, 1]] = [40, 60, 50, 30]  # all have the score 1
    found = in_torch(codes, logits)[0]
    expected = in_numpy(codes, logits)[0]
    assert found.scores.tolist()[:4] == [1.0] * 4
    assert list(zip(found.columns.tolist(), found.anchors.tolist(), strict=True))[:4] == [
        (0, 700), (0, 900), (1, 5), (1, 300),
    ]  # fmt: skip
    assert found.anchors.tolist() == expected.anchors.tolist()


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("where", ["codes", "logits"])
def test_values_that_are_no_number_act_as_in_numpy(value: float, where: str) -> None:
    codes, logits = random_heads(5)
    (codes if where == "codes" else logits)[0, 100:140, 1] = value
    with np.errstate(all="ignore"):
        assert_same(in_torch(codes, logits), in_numpy(codes, logits))


def test_boxes_outside_the_picture_count_for_their_class_and_are_not_returned() -> None:
    codes, logits = random_heads(6, pictures=1, classes=1)
    best = np.argsort(-logits[0, :, 1])[:150]
    # Far to the left, each in a place of its own: 100 of them use up the class.
    codes[0, best, 1] = -100 - 40 * np.arange(150)
    codes[0, best, 2:] = 0
    assert_same(in_torch(codes, logits), in_numpy(codes, logits))
    assert len(in_torch(codes, logits)[0].scores) == 0


def test_nothing_above_the_threshold_gives_nothing() -> None:
    codes, logits = random_heads(7)
    found = in_torch(codes, np.full_like(logits, -50))
    assert [kept.boxes.shape for kept in found] == [(0, 4)] * 2
