"""A progress bar for long work."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal


@contextmanager
def progress(
    what: str,
    total: int | None,
    *,
    done: int = 0,
    unit: Literal["steps", "bytes", "frames"] = "steps",
    shown: bool = True,
    live: bool = True,
    texts: bool = False,
) -> Iterator[Callable[..., None]]:
    """Show a progress bar on stderr, if that is a terminal and `total` is above one; yield `advance(count=1)`.

    A `total` of None is unknown; `done` of it is done before. A bar of bytes or frames shows the speed; that of bytes
    stays afterwards.
    Unless `live`, the bar is drawn by `advance` only: a thread that draws it in between would disturb timings.
    With `texts` it is `advance(count=1, text="")`, and the text is shown beside a bar that leaves room for it; it may
    say how long the rest takes, which the bar then does not.
    """
    if (total is not None and total < 2) or not shown or not sys.stderr.isatty():
        yield lambda count=1, text="": None
        return
    from rich import progress as bars
    from rich.console import Console
    from rich.text import Text

    class FrameRate(bars.ProgressColumn):
        def render(self, task: bars.Task) -> Text:
            return Text(f"{task.speed:.1f} frames/s" if task.speed else "")

    amounts: dict[str, tuple[bars.ProgressColumn, ...]] = {
        "steps": (bars.MofNCompleteColumn(),),
        "bytes": (bars.DownloadColumn(), bars.TransferSpeedColumn()),
        "frames": (bars.MofNCompleteColumn(), FrameRate()),
    }
    clock = bars.TimeElapsedColumn() if total is None or texts else bars.TimeRemainingColumn()
    columns = [bars.TextColumn("{task.description}"), bars.BarColumn(None if texts else 40), *amounts[unit], clock]
    if texts:
        columns.append(bars.TextColumn("{task.fields[text]}", markup=False))
    # rich would send what goes to stdout to the bar's terminal.
    with bars.Progress(
        *columns, console=Console(stderr=True), transient=unit != "bytes", redirect_stdout=False, auto_refresh=live
    ) as bar:
        task = bar.add_task(what, total=total, completed=done, text="")

        def advance(count: int = 1, text: str = "") -> None:
            bar.update(task, advance=count, text=text, refresh=not live)
            if bar.tasks[0].completed > (total or sys.maxsize):  # it was an estimate
                bar.update(task, total=bar.tasks[0].completed)

        yield advance
