"""A roofline plot of layers: operations for each byte moved, against operations a second; a panel a precision."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from math import log10, sqrt

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, GAP = 920, 440, 56, 16, 64, 50, 20
KINDS = {"depthwise 3x3": "#c50", "convolution 1x1": "#06c", "convolution 3x3": "#083", "heads": "#909"}
# So many layers of each panel are named: those that take longest.
NAMED = 4
# Layers that take less are left out.
LEAST_MS = 0.03


@dataclass(frozen=True)
class Point:
    """A layer: operations a byte, operations a second, and the milliseconds it takes."""

    name: str
    kind: str
    intensity: float
    rate: float
    milliseconds: float


@dataclass(frozen=True)
class Axes:
    """From operations a byte, and a second, to pixels; `left` and `right` are the edges of the panel."""

    left: float
    right: float
    least_x: float
    most_x: float
    least_y: float
    most_y: float

    def x(self, intensity: float) -> float:
        """Pixels from the left."""
        share = (log10(intensity) - log10(self.least_x)) / (log10(self.most_x) - log10(self.least_x))
        return self.left + share * (self.right - self.left)

    def y(self, rate: float) -> float:
        """Pixels from the top."""
        share = (log10(rate) - log10(self.least_y)) / (log10(self.most_y) - log10(self.least_y))
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def svg(panels: dict[str, list[Point]], limits: dict[str, float], title: str) -> str:
    """Points under their roofs, by precision; `limits`: operations of each precision, bytes of memory and cache, a
    second.
    """
    panels = {name: [item for item in panel if item.milliseconds >= LEAST_MS] for name, panel in panels.items()}
    points = [item for panel in panels.values() for item in panel]
    bounds = (
        min(item.intensity for item in points) / 1.5,
        max(item.intensity for item in points) * 1.5,
        min(item.rate for item in points) / 1.5,
        max(limits[precision] for precision in panels) * 1.8,
    )
    width = (WIDTH - LEFT - RIGHT - GAP * (len(panels) - 1)) / len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12"><style>text{paint-order:stroke;stroke:#fff;stroke-width:3px}</style>'
        '<rect width="100%" height="100%" fill="white"/>',
        _text(LEFT, 18, title, "start"),
        *_legend(),
    ]
    for number, (precision, panel) in enumerate(panels.items()):
        left = LEFT + number * (width + GAP)
        axes = Axes(left, left + width, *bounds)
        parts += _grid(axes, numbers=number == 0)
        parts += [_circle(axes, item) for item in sorted(panel, key=lambda item: -item.milliseconds)]
        parts += _roofs(axes, limits, list(panels)[: number + 1])
        parts += _names(axes, panel)
        parts.append(_text(left + 8, TOP + 16, precision, "start", size=15))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="rotate(-90 14 {middle})"'
    parts.append(f'<text x="14" y="{middle}" text-anchor="middle" fill="#333" {turned}>10⁹ operations a second</text>')
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "operations for each byte read or written", "middle"))
    return "".join([*parts, "</svg>\n"])


def _grid(axes: Axes, *, numbers: bool) -> Iterable[str]:
    for x in _powers(axes.least_x, axes.most_x):
        yield _line(axes.x(x), TOP, axes.x(x), HEIGHT - BOTTOM, "#ddd")
        yield _text(axes.x(x), HEIGHT - BOTTOM + 16, f"{x:g}", "middle")
    for y in _powers(axes.least_y, axes.most_y):
        yield _line(axes.left, axes.y(y), axes.right, axes.y(y), "#ddd")
        if numbers:
            yield _text(axes.left - 6, axes.y(y) + 4, f"{y / 1e9:g}", "end")


def _powers(least: float, most: float) -> list[float]:
    return [10.0**power for power in range(-3, 16) if least <= 10.0**power <= most]


def _roofs(axes: Axes, limits: dict[str, float], precisions: list[str]) -> Iterable[str]:
    """Products of each precision, and the slopes of what memory and cache can bring for the last of them."""
    top = limits[precisions[-1]]
    for kind, dash in (("memory", "6 4"), ("cache", "2 3")):
        start = max(axes.least_x, axes.least_y / limits[kind])
        end = min(top / limits[kind], axes.most_x)
        rates = [place * limits[kind] for place in (start, end)]
        yield _line(axes.x(start), axes.y(rates[0]), axes.x(end), axes.y(rates[1]), "#555", dash)
        label = f"{kind}, {limits[kind] / 1e9:.0f} GB/s"
        yield _text(axes.x(start) + 4, axes.y(rates[0]) + (-22 if kind == "cache" else 4), label, "start")
    for precision in precisions:
        rate = limits[precision]
        yield _line(axes.left, axes.y(rate), axes.right, axes.y(rate), "#333")
        label = f"{precision} matrix products, {rate / 1e9:.0f}"
        yield _text(axes.right - 4, axes.y(rate) - 5, label, "end")


def _radius(item: Point) -> float:
    return 1.5 + 5 * sqrt(item.milliseconds)


def _circle(axes: Axes, item: Point) -> str:
    colour = KINDS[item.kind]
    return (
        f'<circle cx="{axes.x(item.intensity):.1f}" cy="{axes.y(item.rate):.1f}" r="{_radius(item):.1f}" '
        f'fill="{colour}" fill-opacity="0.4" stroke="{colour}">'
        f"<title>{escape(item.name)}: {item.milliseconds:.2f} ms</title></circle>"
    )


def _names(axes: Axes, points: list[Point]) -> Iterable[str]:
    longest = sorted(points, key=lambda item: -item.milliseconds)[:NAMED]
    for place, item in enumerate(reversed(longest)):
        label = f"{item.name}: {item.milliseconds:.1f} ms"
        yield _text(axes.right - 6, HEIGHT - BOTTOM - 8 - 16 * place, label, "end", KINDS[item.kind])


def _legend() -> Iterable[str]:
    for place, (kind, colour) in enumerate(KINDS.items()):
        x = LEFT + 6 + 140 * place
        yield f'<circle cx="{x}" cy="38" r="6" fill="{colour}" fill-opacity="0.4" stroke="{colour}"/>'
        yield _text(x + 12, 42, kind, "start")
    yield _text(LEFT + 6 + 140 * len(KINDS), 42, "a circle is a layer, its area the time it takes", "start")


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, dash: str = "none") -> str:
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-dasharray="{dash}"/>'


def _text(x: float, y: float, content: str, anchor: str, colour: str = "#333", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"'
    return f"<text {place}>{escape(content)}</text>"
