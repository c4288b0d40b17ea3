"""Progress bars on stderr, if that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress(what: str, total: int | None, *, shown: bool = True, live: bool = True) -> Iterator[Callable[[], None]]:
    """Show the progress of work with more than one step; yields what to call after each step.

    A `total` of None is unknown. Unless `live` the bar is drawn after each step only: a thread that draws it in between
    would disturb what is timed.
    """
    if (total is not None and total < 2) or not shown or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    with _bar(TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), live=live) as bar:
        task = bar.add_task("", total=total)
        yield (lambda: bar.advance(task)) if live else (lambda: bar.update(task, advance=1, refresh=True))


@contextmanager
def byte_progress(name: str, done: int, size: int) -> Iterator[Callable[[int], None]]:
    """Show the progress of a download; yields what to call with the number of bytes that are done."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with _bar(*columns) as bar:
        task = bar.add_task("", total=size, completed=done)
        yield lambda done: bar.update(task, completed=done)


def _bar(*columns: Any, live: bool = True) -> Any:
    from rich.console import Console
    from rich.progress import Progress

    # rich would send what goes to stdout to the bar's terminal.
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, auto_refresh=live)
