"""RUN/curves.png: losses, validation mAP and learning rate over the steps of a run."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from boxable.arrays import Doubles
from boxable.files import atomic_file
from boxable.training.log import LOG, Line, read_log

CURVES = "curves.png"

# 1200 x 800 pixels.
_INCHES, _DOTS_PER_INCH = (12, 8), 100
# Of the palette of Okabe and Ito ("Color Universal Design"), which the color-blind can tell apart.
_BLACK, _BLUE, _ORANGE, _GREEN, _GREY = "#000000", "#0072B2", "#D55E00", "#009E73", "#666666"
_LOSSES = {
    "loss": ("total", _BLACK),
    "classification": ("classification", _BLUE),
    "localization": ("localization", _ORANGE),
}
# A smoothed loss is a moving average over this share of the points of its phase.
_SMOOTHED = 1 / 15
# The axis of losses is logarithmic where the smoothed ones differ by more than this factor.
_WIDE_RANGE = 20
# Fewer points than this are marked.
_FEW = 40


def write_curves(folder: Path) -> Path:
    """Draw the log of a run as `folder`/curves.png, 1200 x 800 pixels, and return its path.

    Raises ArgumentError where there is no log, BoxableError where a file cannot be read or written.
    """
    figure = draw_curves(read_log(folder / LOG))
    with atomic_file(folder / CURVES) as file:
        FigureCanvasAgg(figure).print_png(file)
    return folder / CURVES


def draw_curves(lines: Sequence[Line]) -> Figure:
    """Draw losses, validation mAP and learning rate, with a vertical line where each phase begins."""
    validation = [line for line in lines if line["kind"] == "validation"]
    train = [line for line in lines if line["kind"] == "train"]
    phases = [list(group) for _, group in groupby(train, key=lambda line: line["phase"])]
    figure = Figure(_INCHES, _DOTS_PER_INCH, facecolor="white", layout="constrained")
    losses, accuracy, rate = figure.subplots(3, 1, sharex=True, height_ratios=(4, 4, 2))
    _draw_losses(losses, phases)
    _draw_accuracy(accuracy, validation)
    for phase in phases:
        rate.plot(_column(phase, "step"), _column(phase, "lr"), color=_GREEN, **_marked(phase))
    for axes, label in ((losses, "loss"), (accuracy, "validation mAP"), (rate, "learning rate")):
        _finish(axes, label, [phase[0]["step"] for phase in phases])
    for phase in phases:
        place = phase[0]["step"], 1
        losses.annotate(phase[0]["phase"], place, (3, 4), losses.get_xaxis_transform(), "offset points", color=_GREY)
    last = max((line["step"] for line in lines), default=0) or 1
    rate.set_xlim(-last / 100, last * 1.01)
    rate.set_xlabel("step")
    figure.align_ylabels()
    return figure


def _draw_losses(axes: Axes, phases: Sequence[list[Line]]) -> None:
    """Draw each loss as it is, pale, and smoothed within each phase."""
    shown: list[float] = []
    for name, (label, color) in _LOSSES.items():
        for phase in phases:
            steps, values = _column(phase, "step"), _column(phase, name)
            smooth = _moving_average(values, round(len(values) * _SMOOTHED))
            axes.plot(steps, values, color=color, alpha=0.2, linewidth=0.8)
            axes.plot(steps, smooth, color=color, linewidth=1.8, label=label, **_marked(phase))
            label = ""  # once in the legend
            shown += smooth[np.isfinite(smooth)].tolist()
    if shown and 0 < min(shown) < max(shown) / _WIDE_RANGE:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    if phases:
        axes.legend(loc="upper right", ncols=len(_LOSSES), frameon=False)


def _draw_accuracy(axes: Axes, validation: Sequence[Line]) -> None:
    """Draw the validation mAP, its best point, and the starting model (step 0) as a dashed line."""
    steps, means = _column(validation, "step"), _column(validation, "map")
    axes.set_ylim(0, 1.12 * np.nanmax([0.01, *means]))
    axes.plot(steps, means, color=_BLUE, linewidth=1.8, **_marked(validation))
    if not np.isfinite(means).any():
        return
    best = int(np.nanargmax(means))
    label = f"best: {means[best]:.3f} at step {steps[best]:,.0f}"
    axes.plot(steps[best], means[best], "*", color=_ORANGE, markersize=16, clip_on=False, zorder=3, label=label)
    if steps[0] == 0 and np.isfinite(means[0]):
        axes.axhline(means[0], color=_GREY, linestyle="--", linewidth=1.2, label=f"starting model: {means[0]:.3f}")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=3, frameon=False)


def _finish(axes: Axes, label: str, beginnings: Sequence[int]) -> None:
    """Label the axis, and mark where phases begin."""
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(color="#e3e3e3", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for step in beginnings:
        axes.axvline(step, color=_GREY, linewidth=1, linestyle=":")


def _column(lines: Sequence[Line], name: str) -> Doubles:
    """Read a figure of each line, float64 `[N]`; NaN where it is null or missing."""
    return np.array([line.get(name) for line in lines], np.float64)


def _marked(lines: Sequence[Line]) -> dict[str, str]:
    return {"marker": "."} if len(lines) < _FEW else {}


def _moving_average(values: Doubles, window: int) -> Doubles:
    """Average the values around each, without NaN: float64 `[N]`; fewer of them at the ends."""
    kernel = np.ones(max(window, 1))
    known = np.isfinite(values)
    counts = np.convolve(known, kernel, "same")
    sums = np.convolve(np.where(known, values, 0), kernel, "same")
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
