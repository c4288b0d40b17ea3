"""`boxable compare`: two runs of `boxable evaluate`."""

from pathlib import Path

import click

from boxable.cli.options import PathArgument, report_format_option, resamples_option, seed_option
from boxable.printing import print_json


@click.command()
@click.argument("first", metavar="A", type=PathArgument(exists=True, file_okay=False))
@click.argument("second", metavar="B", type=PathArgument(exists=True, file_okay=False))
@report_format_option
@resamples_option
@seed_option
def compare(first: Path, second: Path, format_: str, resamples: int, seed: int) -> None:
    """Compare two runs of `boxable evaluate`.

    A and B are folders that its --out wrote, on the same ground truth. Prints how much better or worse B is, for each
    class and in the mean, the greatest loss first. The intervals (95 %) are of the difference, from a paired
    bootstrap over images; a class with boxes in one image only has none, nor has the coco protocol.

    Example: boxable compare before after
    """
    from boxable.evaluation.summary import comparison_table
    from boxable.metrics.compare import compare_folders

    comparison = compare_folders(first, second, resamples=resamples, seed=seed)
    if format_ == "json":
        print_json(comparison.to_dict(), indent=1)
    else:
        click.echo(comparison_table(comparison, str(first), str(second)))
