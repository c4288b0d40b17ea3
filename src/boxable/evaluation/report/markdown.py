"""The report in Markdown, without curves and images: for a pull request, a log, a chat."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

# Pairs of confused classes that are listed.
_CONFUSIONS = 10

_NAMES = {
    "localization": "localization: right class, IoU 0.1 to 0.5",
    "classification": "classification: fits an object of another class",
    "both": "both: neither place nor class is right",
    "duplicate": "duplicate: the object had been found already",
    "background": "background: overlaps nothing",
    "missed": "missed: objects that nothing found",
}


def markdown(content: dict[str, Any]) -> str:
    """Write the numbers of this `content` as Markdown tables."""
    parts = [
        f"# {_text(content['title'])}",
        _mean(content),
        _section("Notes on the input", _list(content["notes"])),
        _section("COCO", _coco(content["coco"])),
        _section("Errors by kind", _errors(content["errors"])),
        _section("Score threshold", _threshold(content["best"])),
        _section("Size of the object", _sizes(content["sizes"])),
        _section("Classes", _classes(content["classes"])),
        _section("Confusions", _confusions(content["confusions"])),
        f"Made by boxable {content['version']}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _mean(content: dict[str, Any]) -> str:
    protocol, interval, bootstrap = content["protocol"], content["interval"], content["bootstrap"]
    lines = [
        f"**mAP {_figure(content['mAP'], 4)}**{f', 95 % interval {_between(interval, 4)}' if interval else ''}",
        "",
        f"- {protocol['title']}: {protocol['switches']}",
        f"- images: {content['images']:,}; classes with ground truth: {content['classes_scored']:,}",
    ]
    if interval:
        lines.append(f"- interval: {bootstrap['resamples']:,} bootstrap draws of images, seed {bootstrap['seed']}")
    if content["interval_warning"]:
        lines.append(f"- **{content['interval_warning']}**")
    if content["not_counted"]:
        lines.append(f"- not counted: {', '.join(map(_text, content['not_counted']))}")
    return "\n".join(lines)


def _coco(figures: dict[str, float | None] | None) -> str:
    if figures is None:
        return ""
    table = _table(["", "value"], ([name, _figure(value, 4)] for name, value in figures.items()))
    return f"{table}\n\nEverything below but the AP of the classes is at IoU 0.50."


def _errors(errors: Sequence[dict[str, Any]]) -> str:
    ranked = sorted(errors, key=lambda error: -(error["delta_ap"] or 0))
    return _table(
        ["kind", "rise of mAP if fixed", "count"],
        ([_NAMES[error["kind"]], _signed(error["delta_ap"]), f"{error['count']:,}"] for error in ranked),
    )


def _threshold(best: dict[str, float] | None) -> str:
    if best is None:
        return ""
    rest = ", ".join(f"{name} {best[key]:.3f}" for key, name in _QUALITIES)
    return f"One threshold for all classes: **{best['score']:.3f}**, with {rest}."


_QUALITIES = [("precision", "precision"), ("recall", "recall"), ("f1", "F1")]


def _sizes(sizes: Sequence[dict[str, Any]]) -> str:
    return _table(
        ["share of the image", "mAP", "recall", "boxes"],
        (
            [
                f"{size['name']}, from {size['low']:.0%}" + ("" if size["high"] is None else f" to {size['high']:.0%}"),
                _figure(size["mAP"]), _figure(size["recall"]), _count(size["ground_truth"]),
            ]
            for size in sizes
        ),
    )  # fmt: skip


def _classes(classes: Iterable[dict[str, Any]]) -> str:
    scored = sorted((row for row in classes if row["AP"] is not None), key=lambda row: (-row["AP"], row["name"]))
    return _table(
        ["class", "AP", "95 %", "boxes", "detections", "recall", "best threshold", "F1 there"],
        (
            [
                _text(row["name"]), _figure(row["AP"]), _between(row["interval"]), _count(row["ground_truth"]),
                f"{row['detections']:,}", _figure(row["recall"]),
                *([_figure(row["best"]["score"]), _figure(row["best"]["f1"])] if row["best"] else ["–", "–"]),
            ]
            for row in scored
        ),
    )  # fmt: skip


def _confusions(confusions: Sequence[dict[str, Any]]) -> str:
    return _table(
        ["the object is", "and was called", "detections", "of"],
        (
            [_text(pair["is"]), _text(pair["called"]), f"{pair['count']:,}", f"{pair['of']:,}"]
            for pair in confusions[:_CONFUSIONS]
        ),
        words=2,
    )


def _section(heading: str, body: str) -> str:
    return body and f"## {heading}\n\n{body}"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_text(line)}" for line in lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """Write a table whose first columns are `words` and the others numbers; nothing without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * words}{'---:|' * (len(heads) - words)}", *lines])


def _count(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def _figure(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _between(interval: Sequence[float] | None, digits: int = 3) -> str:
    return " – ".join(_figure(end, digits) for end in interval) if interval else "–"


def _text(value: str) -> str:
    """Escape text for Markdown and HTML, on one line; invalid Unicode is replaced."""
    one_line = " ".join(value.encode("utf-8", "replace").decode().split())
    return re.sub(r"([\\`*_{}\[\]<>|#~&!])", r"\\\1", one_line)
