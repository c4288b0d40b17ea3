"""`boxable data stats`: figures of a data set."""

import logging
from pathlib import Path

import click

from boxable.cli.options import PathArgument, report_format_option
from boxable.printing import print_json

logger = logging.getLogger("boxable")


@click.command()
@click.argument("source", metavar="SET", type=PathArgument())
@report_format_option
@click.option(
    "--out",
    metavar="PATH",
    type=PathArgument(dir_okay=False),
    help="Write an .html page with every class and plots as well.",
)
def stats(source: Path, format_: str, out: Path | None) -> None:
    """Count what is in a set: classes, boxes, sizes, flags, labels.

    SET is a data folder, or a set of any other format that `boxable data convert` reads.

    The columns `positive` and `negative` count the images whose verified labels have the class present or absent.
    Images are not read.

    \b
    Example: boxable data stats validation/
             boxable data stats validation/ --format json --out stats.html
    """
    from boxable.datasets.as_data_folder import as_data_folder
    from boxable.datasets.dataset import Dataset
    from boxable.files import write_atomically
    from boxable.openimages.stats import stats_of
    from boxable.openimages.stats_report import stats_lines, stats_page

    with as_data_folder(source) as (folder, made_of):
        figures = stats_of(Dataset(folder))
    for note in made_of.notes("note", "warning") if made_of else ():
        logger.info("note: %s", note)
    if out is not None:
        write_atomically(out, stats_page(figures, source.resolve().name).encode())
    if format_ == "json":
        print_json(figures.to_dict())
    else:
        for line in stats_lines(figures):
            click.echo(line)
    if out is not None:
        logger.info("wrote %s", out)
