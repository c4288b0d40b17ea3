"""The plot as a file that says what was measured."""

import xml.etree.ElementTree as ET

from boxable.bench.accuracy import Accuracy
from boxable.bench.plot import svg
from boxable.bench.results import Benchmark, Latency, Result

SVG = "{http://www.w3.org/2000/svg}"


def measured(name: str, network: float, whole: float) -> Result:
    latency = {stage: Latency(1.0, 2.0, None, 5) for stage in ("decode", "resize", "postprocess")}
    latency |= {"network": Latency(network, 9.0, None, 5), "end to end": Latency(whole, 9.0, None, 5)}
    return Result(name, latency, 50.0, Accuracy(0.25, (0.2, 0.3), 26))


def plotted(*results: Result) -> ET.Element:
    about: dict[str, str | int | float] = {"processor": "Some <fast> & good one", "cores": 2}
    return ET.fromstring(svg(Benchmark("m", about, {}, 1, 0.3, "8 images", list(results), {}, stopped=False)))


def bars(plot: ET.Element, colour: str) -> list[float]:
    return [float(item.get("width", "")) for item in plot.iter(f"{SVG}rect") if item.get("fill") == colour][1:]


def test_bars_are_as_long_as_the_stages_take() -> None:
    plot = plotted(measured("slow", 16.0, 20.0), measured("fast", 4.0, 7.0))
    slow, fast = bars(plot, "#b5482a")
    assert slow == 4 * fast
    assert bars(plot, "#7aa6c2")[0] * 16 == slow


def test_figures_stand_beside_the_bars_and_names_are_text() -> None:
    texts = [item.text or "" for item in plotted(measured("a" * 40, 5.0, 8.0)).iter(f"{SVG}text")]
    assert "8.0 ms, 50 images/s, mAP 0.250 [0.200, 0.300]" in texts
    assert "a" * 23 + "…" in texts
    assert any("Some <fast> & good one" in text for text in texts)
