"""A roofline plot: what is computed for each byte moved, against how fast, both in powers of ten."""

from dataclasses import dataclass
from html import escape
from math import log10, sqrt

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 520, 70, 20, 40, 50
COLOURS = {"fp32": "#06c", "int8": "#c50"}
# Of so many milliseconds at least; labels on smaller ones would cover each other.
LABELLED_MS = 0.45


@dataclass(frozen=True)
class Point:
    """Part of a network: operations a byte, operations a second, and the milliseconds it takes."""

    name: str
    precision: str
    intensity: float
    rate: float
    milliseconds: float


@dataclass(frozen=True)
class Axes:
    """From operations a byte, and a second, to pixels."""

    least_x: float
    most_x: float
    least_y: float
    most_y: float

    def x(self, intensity: float) -> float:
        """Pixels from the left."""
        share = (log10(intensity) - log10(self.least_x)) / (log10(self.most_x) - log10(self.least_x))
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, rate: float) -> float:
        """Pixels from the top."""
        share = (log10(rate) - log10(self.least_y)) / (log10(self.most_y) - log10(self.least_y))
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def svg(points: list[Point], limits: dict[str, float], title: str) -> str:
    """Points under the roofs: `limits` has operations of each precision, and bytes of memory and cache, a second."""
    top = max(limits[precision] for precision in COLOURS)
    axes = Axes(0.1, 10 ** max(3, log10(max(item.intensity for item in points)) + 0.1), 1e9, top * 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="{LEFT}" y="20">601 classes, one core of {escape(title)}; area is time</text>',
        *_grid(axes),
        *_roofs(axes, limits),
        *(_circle(axes, item) for item in sorted(points, key=lambda item: -item.milliseconds)),
        *_labels(axes, points),
        *_legend(),
        "</svg>\n",
    ]
    return "".join(parts)


def _grid(axes: Axes) -> list[str]:
    parts = []
    for power in range(-1, 4):
        x = axes.x(10.0**power)
        parts.append(_line(x, TOP, x, HEIGHT - BOTTOM, "#ddd"))
        parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{10.0**power:g}", "middle"))
    for power in range(9, int(log10(axes.most_y)) + 1):
        y = axes.y(10.0**power)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "#ddd"))
        parts.append(_text(LEFT - 6, y + 4, f"{10 ** (power - 9)}", "end"))
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 12, "operations for each byte read or written", "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">'
        "thousand million operations a second</text>"
    )
    return parts


def _roofs(axes: Axes, limits: dict[str, float]) -> list[str]:
    parts = []
    top = max(limits[precision] for precision in COLOURS)
    for kind, dash in (("memory", "6 4"), ("cache", "2 3")):
        bandwidth = limits[kind]
        start, end = max(axes.least_x, axes.least_y / bandwidth), top / bandwidth
        parts.append(_line(axes.x(start), axes.y(start * bandwidth), axes.x(end), axes.y(top), "#555", dash))
        x, y = axes.x(start), axes.y(start * bandwidth)
        parts.append(_text(x + 6, y - 6 if kind == "cache" else y + 16, f"{kind} {bandwidth / 1e9:.0f} GB/s", "start"))
    fastest = max(limits["memory"], limits["cache"])
    for precision, colour in COLOURS.items():
        rate = limits[precision]
        parts.append(_line(axes.x(rate / fastest), axes.y(rate), WIDTH - RIGHT, axes.y(rate), colour))
        label = f"{precision} products {rate / 1e9:.0f}"
        parts.append(_text(WIDTH - RIGHT - 4, axes.y(rate) - 5, label, "end", colour))
    return parts


def _radius(item: Point) -> float:
    return 2 + 7 * sqrt(item.milliseconds)


def _circle(axes: Axes, item: Point) -> str:
    label = f"{item.name}, {item.precision}: {item.milliseconds:.2f} ms"
    return (
        f'<circle cx="{axes.x(item.intensity):.1f}" cy="{axes.y(item.rate):.1f}" r="{_radius(item):.1f}" '
        f'fill="{COLOURS[item.precision]}" fill-opacity="0.45" stroke="{COLOURS[item.precision]}">'
        f"<title>{escape(label)}</title></circle>"
    )


def _labels(axes: Axes, points: list[Point]) -> list[str]:
    return [
        _text(axes.x(item.intensity), axes.y(item.rate) - _radius(item) - 3, item.name, "middle")
        for item in points
        if item.milliseconds >= LABELLED_MS
    ]


def _legend() -> list[str]:
    parts = []
    for place, (precision, colour) in enumerate(COLOURS.items()):
        y = TOP + 14 + 18 * place
        parts.append(f'<circle cx="{LEFT + 14}" cy="{y - 4}" r="6" fill="{colour}" fill-opacity="0.45"/>')
        parts.append(_text(LEFT + 26, y, precision, "start"))
    return parts


def _line(x: float, y: float, to_x: float, to_y: float, colour: str, dash: str = "none") -> str:
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}" stroke-dasharray="{dash}"/>'
    )


def _text(x: float, y: float, content: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(content)}</text>'
