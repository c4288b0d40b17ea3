import json
import math
from pathlib import Path

import pytest
import torch
from torch import distributed

from boxable.training.eql import EqlV2

# Three classes at two anchors: the first is positive at one, the second at none, the third at both.
LABELS = torch.tensor([[[True, False, True], [False, False, True]]])
WEIGHTS = torch.tensor([[[1.0, 1.0, 1.0], [0.5, 1.0, 0.0]]])
LOGITS = torch.zeros(1, 2, 3)  # all gradients are 0.5


def test_weights_stay_until_there_are_gradients() -> None:
    eql = EqlV2(3)
    assert torch.equal(eql(LOGITS, LABELS, WEIGHTS), WEIGHTS)
    assert eql.positive.tolist() == [0.5, 0, 0.5]
    assert eql.negative.tolist() == [0.25, 1, 0]


def test_weights_follow_the_ratio_of_the_gradients() -> None:
    """arXiv:2012.08548, equations 5 to 8: f(r) = 1 / (1 + exp(-12 (r - 0.8))), positives 1 + 4 (1 - f), negatives f."""
    eql = EqlV2(3)
    eql.positive += torch.tensor([1.6, 0.0, 3.0])
    eql.negative += torch.tensor([2.0, 5.0, 0.0])
    found = eql(LOGITS, LABELS, WEIGHTS)[0]
    rare = 1 / (1 + math.exp(9.6))
    expected = [[1 + 4 * 0.5, rare, 1], [0.5 * 0.5, rare, 0]]
    torch.testing.assert_close(found, torch.tensor(expected), rtol=1e-4, atol=0)
    # Gradients are added as they were reweighted.
    assert eql.positive.tolist() == pytest.approx([1.6 + 1.5, 0, 3.5])
    assert eql.negative.tolist() == pytest.approx([2 + 0.125, 5 + rare, 0])


def test_evaluation_changes_no_statistics_and_a_state_restores_them() -> None:
    eql = EqlV2(3)
    eql(LOGITS, LABELS, WEIGHTS)
    restored = EqlV2(3).eval()
    restored.load_state_dict(eql.state_dict())
    weights = restored(LOGITS, LABELS, WEIGHTS)
    assert torch.equal(weights, eql(LOGITS, LABELS, WEIGHTS))
    assert not torch.equal(weights, WEIGHTS)
    assert restored.positive.tolist() == [0.5, 0, 0.5]


def _run_rank(rank: int, folder: Path) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    eql = EqlV2(3)
    eql(LOGITS, LABELS, WEIGHTS * (rank + 1))
    (folder / str(rank)).write_text(json.dumps([eql.positive.tolist(), eql.negative.tolist()]))
    distributed.destroy_process_group()


def test_ranks_share_their_gradients(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(_run_rank, (tmp_path,), nprocs=2)
    for rank in "01":
        assert json.loads((tmp_path / rank).read_text()) == [[1.5, 0, 1.5], [0.75, 3, 0]]
