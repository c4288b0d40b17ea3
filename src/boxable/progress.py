"""A progress bar for long work."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(what: str, total: int | None, *, shown: bool = True, live: bool = True) -> Iterator[Callable[[], None]]:
    """A bar on stderr, if that is a terminal and there is more than one step; gives what to call after each.

    A `total` of None is unknown. Unless `live` it is drawn after each step only: a thread that draws it in between
    would disturb what is timed.
    """
    if (total is not None and total < 2) or not shown or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # rich would send what goes to stdout to the bar's terminal.
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, auto_refresh=live) as bar:
        task = bar.add_task("", total=total)
        yield (lambda: bar.advance(task)) if live else (lambda: bar.update(task, advance=1, refresh=True))
