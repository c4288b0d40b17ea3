"""Plot of a benchmark: stages as stacked bars, one per candidate, in SVG."""

from collections.abc import Iterator
from html import escape

from boxable.bench.candidate import END_TO_END, STAGES
from boxable.bench.results import Benchmark, Result
from boxable.bench.summary import accuracy_text, threads
from boxable.findings import counted

# Pixels. Names stand on the left of the bars, figures on their right.
_WIDTH, _LEFT, _BARS = 980, 190, 430
_TOP, _ROW, _BAR = 112, 40, 22
_NAME = 24  # characters
# Told apart also by those who see few colors, and in grey.
_COLOURS = ("#7aa6c2", "#f2c14e", "#b5482a", "#3f3f46")
_STYLE = "text{font:13px system-ui,sans-serif;fill:#222}.small{font-size:11px;fill:#666}.title{font-size:16px}"


def svg(bench: Benchmark) -> str:
    """Plot the median milliseconds of each stage, with a tick for the end-to-end time."""
    height = _TOP + _ROW * len(bench.results) + 16
    scale = _BARS / max(_length(result) for result in bench.results)
    cores = counted(int(bench.machine["cores"]), "core|s")
    about = f"{bench.machine['processor']}, {cores}, {threads(bench.threads)}; {bench.images}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        _text(16, 28, f"{bench.model}: median milliseconds per image", "title"),
        _text(16, 48, about, "small"),
        *_legend(),
    ]
    for number, result in enumerate(bench.results):
        parts += _row(result, _TOP + _ROW * number, scale)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend() -> Iterator[str]:
    place = _LEFT
    for stage, colour in zip(STAGES, _COLOURS, strict=True):
        yield f'<rect x="{place}" y="72" width="12" height="12" fill="{colour}"/>'
        yield _text(place + 18, 83, stage)
        place += 110
    yield f'<rect x="{place}" y="70" width="2" height="16" fill="#000"/>'
    yield _text(place + 10, 83, "end to end, as one call")


def _row(result: Result, top: int, scale: float) -> Iterator[str]:
    middle = top + _BAR // 2 + 5
    yield _text(_LEFT - 10, middle, _shortened(result.name), anchor="end")
    left = float(_LEFT)
    for stage, colour in zip(STAGES, _COLOURS, strict=True):
        if stage in result.latency:
            width = result.latency[stage].p50 * scale
            yield f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>'
            left += width
    words = []
    if END_TO_END in result.latency:
        whole = result.latency[END_TO_END].p50
        yield f'<rect x="{_LEFT + whole * scale:.1f}" y="{top - 4}" width="2" height="{_BAR + 8}" fill="#000"/>'
        left = max(left, _LEFT + whole * scale)
        words.append(f"{whole:.1f} ms")
    if result.images_per_second is not None:
        words.append(f"{result.images_per_second:.0f} images/s")
    if result.accuracy is not None:
        words.append(f"mAP {accuracy_text(result.accuracy)}")
    yield _text(round(left) + 10, middle, ", ".join(words))


def _shortened(name: str) -> str:
    """Shorten a name to the space of the plot."""
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def _length(result: Result) -> float:
    whole = result.latency[END_TO_END].p50 if END_TO_END in result.latency else 0.0
    return max(whole, sum(result.latency[stage].p50 for stage in STAGES if stage in result.latency), 1e-9)


def _text(x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'
