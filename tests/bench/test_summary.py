"""The summary of a benchmark."""

import io

from rich.console import Console

from boxable.bench.results import Benchmark, Latency, Result
from boxable.bench.summary import show


def test_lines_in_a_pipe_have_no_blanks_at_their_end() -> None:
    stages = {stage: Latency(1, 2, 3, 100) for stage in ("decode", "resize", "network", "postprocess", "end to end")}
    about: dict[str, str | int | float] = {"processor": "one", "cores": 2, "system": "Linux", "python": "3.11"}
    bench = Benchmark("m", about, {"numpy": "2"}, 1, 0.3, "8 images", [Result("a", stages, 50.0)], {}, stopped=False)
    text = io.StringIO()
    show(bench, Console(file=text))
    lines = text.getvalue().splitlines()
    assert [line.split()[:2] for line in lines[-3:]] == [["a", "p50"], ["p90", "2.00"], ["p99", "3.00"]]
    assert [line for line in lines if line != line.rstrip()] == []
