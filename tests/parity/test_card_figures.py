"""The figures of the model card are those that an evaluation gives."""

import re
from pathlib import Path

import pytest

import boxable
from boxable.weights.cards import find_card
from tests.conftest import ROOT

DATA = ROOT.parent / "shared" / "data"
# The card's figures in order: data set and protocol.
MEASURED = [
    ("eval-coco", "challenge"), ("eval-oi", "challenge"), ("eval-voc", "challenge"),
    ("eval-voc", "pascal"), ("eval-coco", "coco"),
]  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize(("number", "name", "protocol"), [(i, *row) for i, row in enumerate(MEASURED)])
def test_the_card_says_what_is_measured(
    number: int, name: str, protocol: str, detector: boxable.Detector, out: Path
) -> None:
    if not DATA.is_dir():
        pytest.skip("the evaluation photos are not beside this checkout")
    metric = find_card("ssd23").metrics[number]
    draws = 1000 if metric.interval else 0
    evaluation = boxable.evaluate(DATA / name, detector, protocol, out=out / name, resamples=draws)
    assert evaluation.mean_ap == pytest.approx(metric.value, abs=0.0015)
    assert len(evaluation.scored) == int(re.findall(r"(\d+) classes", metric.protocol)[0])
    if metric.interval:
        assert evaluation.interval == pytest.approx(metric.interval, abs=0.003)


def test_every_figure_of_the_card_is_measured() -> None:
    assert len(find_card("ssd23").metrics) == len(MEASURED)
