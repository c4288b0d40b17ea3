"""The curves of a run."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from PIL import Image

from boxable.errors import ArgumentError
from boxable.training.curves import CURVES, draw_curves, write_curves
from boxable.training.log import LOG

Line = dict[str, Any]


def train(step: int, phase: str = "head", **figures: float | None) -> Line:
    losses = {"loss": 3.0, "classification": 2.0, "localization": 1.0}
    return {"step": step, "kind": "train", "phase": phase, **losses, "lr": 0.1, **figures}


def validation(step: int, mean: float | None) -> Line:
    return {"step": step, "kind": "validation", "map": mean, "per_class": {}}


LOGS: dict[str, list[Line]] = {
    "nothing": [],
    "a note": [{"step": 0, "kind": "note"}],
    "the starting model": [validation(0, 0.1)],
    "one step": [train(1)],
    "unknown figures": [train(1, loss=None, lr=None), validation(1, None)],
    "zeros": [train(step, loss=0, localization=0) for step in range(100)],
    "much": [*(train(step, loss=step) for step in range(2000)), validation(2000, 0.1)],
}


@pytest.mark.parametrize("name", LOGS)
def test_the_file_is_a_png_of_1200_by_800(name: str, tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("".join(json.dumps(line) + "\n" for line in LOGS[name]))
    assert write_curves(tmp_path) == tmp_path / CURVES
    with Image.open(tmp_path / CURVES) as image:
        assert (image.format, image.size) == ("PNG", (1200, 800))
    assert sorted(path.name for path in tmp_path.iterdir()) == [CURVES, LOG]


def test_without_a_log_there_are_no_curves(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no such file"):
        write_curves(tmp_path)


def legend(figure: Figure, axes: int) -> list[str]:
    found = figure.axes[axes].get_legend()
    return [] if found is None else [text.get_text() for text in found.get_texts()]


def test_the_best_model_and_the_starting_model_are_marked() -> None:
    means = [0.125, 0.25, 0.75, None, 0.5]
    figure = draw_curves([validation(1000 * place, mean) for place, mean in enumerate(means)])
    assert legend(figure, 1) == ["best: 0.750 at step 2,000", "starting model: 0.125"]
    assert figure.axes[1].get_ylim()[0] == 0


def test_a_run_without_a_starting_model_has_no_line_for_it() -> None:
    figure = draw_curves([validation(500, 0.5)])
    assert legend(figure, 1) == ["best: 0.500 at step 500"]


def test_phases_are_marked_where_they_begin() -> None:
    phases = [train(1, "head"), train(2, "head"), train(3, "neck"), train(4, "all")]
    figure = draw_curves(phases)
    assert [(text.get_text(), text.xy[0]) for text in figure.axes[0].texts] == [("head", 1), ("neck", 3), ("all", 4)]
    dotted = [[line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"] for axes in figure.axes]
    assert dotted == [[1, 3, 4]] * 3
    assert legend(figure, 0) == ["total", "classification", "localization"]


def test_smoothing_averages_the_neighbours_of_a_phase() -> None:
    losses = [10.0] * 45 + [None] + [10.0] * 44 + [2.0] * 90
    lines = [train(step, "head" if step < 90 else "neck", loss=loss) for step, loss in enumerate(losses)]
    lines[20]["loss"] = 16.0
    raw, smooth, _, other = (line.get_ydata().tolist() for line in draw_curves(lines).axes[0].lines[:4])
    assert raw[20] == 16
    assert max(smooth) == pytest.approx(11)  # one of six
    assert min(smooth) == pytest.approx(10)
    assert math.isfinite(smooth[45])
    assert other == pytest.approx([2.0] * 90)


def test_losses_of_very_different_size_have_a_logarithmic_scale() -> None:
    assert draw_curves([train(1), train(2, loss=10)]).axes[0].get_yscale() == "linear"
    assert draw_curves([train(1), train(2, loss=1000)]).axes[0].get_yscale() == "log"
    assert draw_curves([train(1), train(2, loss=1000, localization=0)]).axes[0].get_yscale() == "linear"
