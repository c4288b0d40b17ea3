"""Summary of a benchmark in a terminal: the machine, and a table of stages; plain in a pipe."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from boxable.bench.accuracy import Accuracy
from boxable.bench.candidate import END_TO_END, STAGES
from boxable.bench.results import Benchmark, Latency, Result
from boxable.findings import counted

# Wide enough for every column in a pipe, where nothing is cut.
_PIPE_WIDTH = 200


def show(bench: Benchmark, console: Console | None = None) -> None:
    """Print it on stdout, or on another console."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=_PIPE_WIDTH)
    for line in header(bench):
        console.print(Text(line), soft_wrap=True)
    if console.is_terminal:
        console.print(_table(bench, plain=False))
        return
    with console.capture() as table:
        console.print(_table(bench, plain=True))
    for line in table.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)


def header(bench: Benchmark) -> list[str]:
    """Describe what was measured, and on which machine."""
    about = bench.machine
    load = f", load {about['load']} before" if "load" in about else ""
    calls = max((result.latency[STAGES[0]].calls for result in bench.results), default=0)
    cores = counted(int(about["cores"]), "core|s")
    return [
        f"{bench.model}: milliseconds of {counted(calls, 'call|s')} for each stage, interleaved",
        f"{about['processor']}, {cores}{load}; {threads(bench.threads)}; {about['system']}",
        f"python {about['python']}, " + ", ".join(f"{name} {version}" for name, version in bench.versions.items()),
        f"{bench.images}; detections that score at least {bench.min_score:g}",
        *(f"not measured: {name}: {reason}" for name, reason in bench.left_out.items()),
    ]


def threads(count: int) -> str:
    """Format a number of threads."""
    return counted(count, "thread|s")


def _table(bench: Benchmark, *, plain: bool) -> Table:
    with_accuracy = any(result.accuracy for result in bench.results)
    table = Table(box=None if plain else SIMPLE, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("")
    for heading in (*STAGES, END_TO_END, "images/s"):
        table.add_column(heading, justify="right")
    if with_accuracy:
        table.add_column("mAP, 95 %")
    for result in bench.results:
        for number, share in enumerate(("p50", "p90", "p99")):
            first = number == 0
            cells = [result.name if first else "", share]
            cells += [_milliseconds(result.latency.get(stage), share) for stage in (*STAGES, END_TO_END)]
            cells.append(_rate(result) if first else "")
            if with_accuracy:
                cells.append(accuracy_text(result.accuracy) if first else "")
            table.add_row(*map(Text, cells), style="" if first else "dim", end_section=share == "p99")
    return table


def accuracy_text(accuracy: Accuracy | None) -> str:
    """Format as in `0.294 [0.238, 0.355]`."""
    if accuracy is None or accuracy.mean_ap is None:
        return "–"
    between = "" if accuracy.interval is None else " [{:.3f}, {:.3f}]".format(*accuracy.interval)
    return f"{accuracy.mean_ap:.3f}{between}"


def _milliseconds(latency: Latency | None, share: str) -> str:
    value = None if latency is None else getattr(latency, share)
    return "–" if value is None else f"{value:.2f}"


def _rate(result: Result) -> str:
    return "–" if result.images_per_second is None else f"{result.images_per_second:.1f}"
