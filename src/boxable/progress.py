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
    unit: Literal["steps", "bytes"] = "steps",
    shown: bool = True,
    live: bool = True,
) -> Iterator[Callable[..., None]]:
    """Show a progress bar on stderr, if that is a terminal and `total` is above one; yield `advance(count=1)`.

    A `total` of None is unknown; `done` of it is done before. A bar of bytes shows the speed, and stays afterwards.
    Unless `live`, the bar is drawn by `advance` only: a thread that draws it in between would disturb timings.
    """
    if (total is not None and total < 2) or not shown or not sys.stderr.isatty():
        yield lambda count=1: None
        return
    from rich import progress as bars
    from rich.console import Console

    amount = (bars.DownloadColumn(), bars.TransferSpeedColumn()) if unit == "bytes" else (bars.MofNCompleteColumn(),)
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), *amount, bars.TimeRemainingColumn())
    # rich would send what goes to stdout to the bar's terminal.
    with bars.Progress(
        *columns, console=Console(stderr=True), transient=unit == "steps", redirect_stdout=False, auto_refresh=live
    ) as bar:
        task = bar.add_task(what, total=total, completed=done)
        yield lambda count=1: bar.update(task, advance=count, refresh=not live)
