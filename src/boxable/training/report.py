"""RUN/report.html: the curves of a run, and its validation set before and after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from boxable.files import write_atomically
from boxable.findings import counted
from boxable.metrics.compare import Comparison, Difference, compare
from boxable.metrics.evaluate import Evaluation
from boxable.metrics.run import as_run
from boxable.reports.embedded import jpeg_url, png_url
from boxable.reports.html_page import facts, page, side_by_side, table, text
from boxable.training.class_table import ClassRow
from boxable.training.curves import write_curves
from boxable.training.report_images import Drawn, image_pairs, score_threshold

REPORT = "report.html"

_QUALITY = 85
_HEADS = ("class", "column", "train boxes", "validation boxes", "AP before", "AP after", "change", "95 %")
_COLUMNS = (
    "Columns of the class layers: kept from the starting model and trained on, frozen as they were, or new. "
    "Intervals are of the change, from a paired bootstrap over the validation images."
)


@dataclass(frozen=True, slots=True, eq=False)
class ReportContent:
    """What a report shows beside the curves.

    `facts` are names and values as they are shown: the data, the starting model, the steps, and so on. `before` and
    `after` are evaluations of the starting model and of the best one, on the same ground truth; changes have intervals
    of as many resamples as `after`. `image_files` are the files of the validation images by their ids.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    classes: Sequence[ClassRow]
    before: Evaluation
    after: Evaluation
    image_files: Mapping[str, Path]


def write_report(folder: Path, content: ReportContent) -> Path:
    """Draw the curves of a run and write `folder`/report.html, one self-contained file; return its path.

    Raises ArgumentError for evaluations of different ground truth, BoxableError where a file cannot be read or written.
    """
    curves = write_curves(folder).read_bytes()
    comparison = _comparison(content.before, content.after)
    changes = {change.mid: change for change in comparison.classes} if comparison else {}
    body = "".join(
        (
            facts([("validation mAP", _mean(content, comparison)), *content.facts]),
            f'<h2>Curves</h2><img src="{png_url(curves)}" alt="losses, validation mAP and learning rate by step">',
            f"<h2>Classes</h2><p>{text(_COLUMNS)}</p>{table(_HEADS, list(_class_rows(content, changes)))}",
            _images(content),
        )
    )
    write_atomically(folder / REPORT, page(content.title, body).encode())
    return folder / REPORT


def _comparison(before: Evaluation, after: Evaluation) -> Comparison | None:
    """Compare two evaluations; None if they count no class in common."""
    if not {result.item for result in before.scored} & {result.item for result in after.scored}:
        return None
    return compare(
        as_run(before, Path("before")), as_run(after, Path("after")), resamples=after.resamples, seed=after.seed
    )


def _mean(content: ReportContent, comparison: Comparison | None) -> str:
    before, after = content.before, content.after
    change = _change(comparison.mean) if comparison else ("", "")
    return (
        f"{_ap(before.mean_ap)} → {_ap(after.mean_ap)} ({' '.join(filter(None, change)) or 'not comparable'}), "
        f"{after.protocol.title}, {counted(len(after.scored), 'class|es')}, "
        f"{counted(len(after.data.images), 'image|s')}"
    )


def _class_rows(content: ReportContent, changes: Mapping[str, Difference]) -> Iterator[tuple[str, ...]]:
    """Format the classes with boxes or a new column, those with most training boxes first."""
    before, after = (
        {result.item.mid: result.ap for result in evaluation.results} for evaluation in (content.before, content.after)
    )
    for row in sorted(content.classes, key=lambda row: (-row.train_boxes, row.item.name)):
        mid = row.item.mid
        if row.train_boxes or row.validation_boxes or row.column == "new":
            change = _change(changes[mid]) if mid in changes else ("–", "")
            aps = (_ap(values.get(mid, np.nan)) for values in (before, after))
            yield row.item.name, row.column, f"{row.train_boxes:,}", f"{row.validation_boxes:,}", *aps, *change


def _images(content: ReportContent) -> str:
    """Show images before and after."""
    min_score = score_threshold(content.after)
    pairs = image_pairs(content.before, content.after, content.image_files, min_score)
    figures = "".join(
        side_by_side(
            pair.image_id,
            [
                (f"{name}: {_counts(drawn, pair.boxes)}", jpeg_url(drawn.image, _QUALITY))
                for name, drawn in (("before", pair.before), ("after", pair.after))
            ],
        )
        for pair in pairs
    )
    about = (
        f"The validation images whose result changed most. Thin boxes are the ground truth; the others are detections "
        f"with a score of at least {min_score:.2f}, where F1 of the trained model is highest."
    )
    return f'<h2>Images before and after</h2><p>{about}</p><div class="rows">{figures}</div>' if figures else ""


def _counts(drawn: Drawn, boxes: int) -> str:
    return f"{drawn.found} of {counted(boxes, 'box|es')} found, {drawn.wrong} wrong"


def _ap(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def _change(difference: Difference) -> tuple[str, str]:
    """Format a change and its interval."""
    low_high = difference.interval
    between = "" if low_high is None else f"[{low_high[0]:+.3f}, {low_high[1]:+.3f}]"
    return f"{difference.change:+.3f}", between
