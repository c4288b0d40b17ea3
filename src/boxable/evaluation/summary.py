"""Evaluations and comparisons as text for the terminal."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boxable.findings import counted
from boxable.metrics.compare import Comparison, Difference
from boxable.metrics.evaluate import ClassResult, Evaluation, Interval
from boxable.metrics.protocols import Protocol

# Of each end of the list, where not all classes are shown.
_SHOWN = 5


def summary(evaluation: Evaluation, *, all_classes: bool) -> str:
    """Format the mean AP with its switches, and the classes: all of them, or the best and the worst."""
    scored = evaluation.scored
    lines = [
        f"mAP {_figure(evaluation.mean_ap)}{_between(evaluation.interval)}  {evaluation.protocol.title}, "
        f"{counted(len(scored), 'class|es')}, {counted(len(evaluation.data.images), 'image|s')}",
        f"    {switches(evaluation.protocol)}",
    ]
    if evaluation.interval:
        lines.append(f"    interval: 95 %, {evaluation.resamples:,} bootstrap draws of images, seed {evaluation.seed}")
    if evaluation.ignored and evaluation.coco is None:
        what = counted(evaluation.ignored, "prediction|s")
        why = "of classes not verified in their image" if evaluation.protocol.verified_only else "on difficult boxes"
        lines.append(f"    left out, neither right nor wrong: {what} {why}")
    if evaluation.coco:
        figures = (f"{name} {value:.4f}" for name, value in evaluation.coco.summary.items() if value is not None)
        lines.append("    " + ", ".join(figures))
    if evaluation.not_counted:
        names = ", ".join(_line(item.name) for item in evaluation.not_counted[:8])
        more = ", …" if len(evaluation.not_counted) > 8 else ""
        lines.append(f"    not counted, {counted(len(evaluation.not_counted), 'class|es')}: {names}{more}")
    shown: list[ClassResult | None] = [*scored]
    if not all_classes and len(scored) > 2 * _SHOWN:
        shown[_SHOWN:-_SHOWN] = [None]
    return "\n".join([*lines, "", *_class_lines(shown, "one image only" if evaluation.resamples else "none")])


def switches(protocol: Protocol) -> str:
    """Describe the switches of a protocol."""
    iou = f"IoU {protocol.iou:g}" if protocol.iou_to is None else f"IoU {protocol.iou:.2f} to {protocol.iou_to:.2f}"
    weight = protocol.group_of_weight
    if protocol.iou_to is not None:
        iou += ", 101 recall points, at most 100 detections an image and class"
        group_of = "what is in a crowd is ignored"
    else:
        group_of = "group-of boxes are ordinary" if weight is None else f"group-of weight {weight:g}"
    words = [
        iou,
        group_of,
        "only verified classes of an image" if protocol.verified_only else "all detections",
        "expanded ground truth" if protocol.expand else "ground truth as it is",
    ]
    return ", ".join(words + ["difficult boxes ignored"] * protocol.difficult)


def comparison_table(comparison: Comparison, first: str, second: str) -> str:
    """Format the difference of the means, then of the classes, the greatest loss first; the columns are named."""
    rows = [replace(row, name=_line(row.name)) for row in (comparison.mean, *comparison.classes)]
    heads = [_line(first), _line(second)]
    widths = [max(len(row.name) for row in rows), *(max(len(head), len("0.0000")) for head in heads)]
    head = "  ".join(f"{text:>{width}}" for text, width in zip(["", *heads], widths, strict=True))
    lines = [comparison.measured, f"{head}  {'change':>7}  95 %", *(_difference(row, widths) for row in rows)]
    if comparison.skipped:
        lines.append(f"counted by one run only: {_line(', '.join(comparison.skipped))}")
    return "\n".join(lines)


def _difference(row: Difference, widths: Sequence[int]) -> str:
    name, first, second = widths
    between = "" if row.interval is None else f"  [{row.interval[0]:+.4f}, {row.interval[1]:+.4f}]"
    return f"{row.name:<{name}}  {row.first:>{first}.4f}  {row.second:>{second}.4f}  {row.change:+.4f}{between}"


def _class_lines(results: list[ClassResult | None], no_interval: str) -> list[str]:
    if not results:
        return ["no class has ground truth"]
    width = max(len(_line(result.item.name)) for result in results if result)
    lines = [f"{'class':<{width}}  {'AP':>6}  {'95 %':>16}  {'boxes':>7}  {'detections':>10}"]
    for result in results:
        if result is None:
            lines.append("…")
            continue
        between = _between(result.interval).strip() or no_interval
        lines.append(
            f"{_line(result.item.name):<{width}}  {_figure(result.ap)}  {between:>16}  "
            f"{result.ground_truth:>7g}  {result.detections:>10,}"
        )
    return lines


def _figure(value: float) -> str:
    return "  none" if np.isnan(value) else f"{value:.4f}"


def _between(interval: Interval) -> str:
    return f"  [{interval[0]:.4f}, {interval[1]:.4f}]" if interval else ""


def _line(name: str) -> str:
    """Replace line breaks and control characters, which a line of a table must not have."""
    return "".join(char if char.isprintable() else " " for char in name)
