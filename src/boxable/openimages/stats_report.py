"""The figures of a data set, for the terminal and as an HTML page."""

from collections.abc import Iterator

from boxable.openimages.stats import ClassStats, Stats
from boxable.reports.html_page import bars, facts, page, table

# Classes shown in the terminal and the plot.
_SHOWN = 20
_HEADS = ("class", "boxes", "images", "group-of", "positive", "negative")


def stats_lines(stats: Stats) -> Iterator[str]:
    """Format the statistics for the terminal."""
    for name, value in _facts(stats):
        yield f"{name:<18} {value}"
    for title, rows in _plots(stats):
        yield ""
        yield title
        most = max((count for _, count in rows), default=0) or 1
        for name, count in rows:
            yield f"  {name:<16} {count:>12,}  {'#' * round(30 * count / most)}".rstrip()
    yield ""
    shown = [_HEADS, *(_row(item) for item in stats.classes[:_SHOWN])]
    width = max(len(row[0]) for row in shown)
    for first, *rest in shown:
        yield f"{first:<{width}}{''.join(f'{cell:>12}' for cell in rest)}"
    if others := stats.classes[_SHOWN:]:
        boxed = sum(item.boxes > 0 for item in others)
        yield f"and {len(others):,} more classes, {boxed:,} of them with boxes; --format json and --out have them all"


def stats_page(stats: Stats, title: str) -> str:
    """Format the statistics as one HTML page, with every class."""
    plots = "".join(bars(name, rows) for name, rows in _plots(stats))
    boxed = [(item.name, item.boxes) for item in stats.classes if item.boxes]
    largest = bars(f"Classes with most boxes, {min(_SHOWN, len(boxed))} of {len(boxed):,}", boxed[:_SHOWN])
    classes = table(_HEADS, [_row(item) for item in stats.classes])
    return page(
        title, f'{facts(list(_facts(stats)))}<div class="plots">{plots}{largest}</div><h2>All classes</h2>{classes}'
    )


def _facts(stats: Stats) -> Iterator[tuple[str, str]]:
    share = stats.images_with_boxes / max(stats.images, 1)
    yield "images", f"{stats.images:,}, {stats.images_with_boxes:,} of them with boxes ({share:.1%})"
    if stats.known_sizes:
        yield "image size", f"{stats.median_width} x {stats.median_height} (medians; {stats.known_sizes:,} are known)"
    yield "boxes", f"{stats.boxes:,}, group-of {stats.group_of_share:.1%}"
    yield (
        "boxes an image",
        f"mean {stats.boxes_per_image_mean:.2f}, median {stats.boxes_per_image_median:g}, "
        f"at most {stats.boxes_per_image_most:,}",
    )
    for flag, counts in stats.flags.items():
        yield flag, ", ".join(f"{name} {counts[name]:,}" for name in ("yes", "no", "unknown"))
    yield "image labels", ", ".join(f"{name} {count:,}" for name, count in stats.image_labels.items())
    yield "rotation", ", ".join(f"{name} {count:,}" for name, count in stats.rotations.items() if count) or "none"


def _plots(stats: Stats) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    yield "Boxes an image", stats.boxes_per_image
    yield "Side of the boxes, as a share of the image", stats.box_sides


def _row(item: ClassStats) -> tuple[str, ...]:
    share = f"{item.group_of / item.boxes:.1%}" if item.boxes else "–"
    return item.name, f"{item.boxes:,}", f"{item.images:,}", share, f"{item.positive:,}", f"{item.negative:,}"
