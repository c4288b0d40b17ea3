"""`boxable data`: annotations and images of Open Images, one file a command."""

import click

from boxable.cli.data.convert import convert
from boxable.cli.data.expand import expand
from boxable.cli.data.fetch import fetch
from boxable.cli.data.show import show
from boxable.cli.data.split import split
from boxable.cli.data.stats import stats
from boxable.cli.data.verify import verify


@click.group()
def data() -> None:
    """Get Open Images or a part of it, look at it, convert it.

    A data folder holds annotations-bbox, annotations-human-imagelabels and images, each as .parquet, .csv or .csv.gz,
    classes.csv, and the images in images/. Tables need boxable[data].

    Example: boxable data expand train-annotations-bbox.csv expanded.parquet
    """


for verb in (fetch, expand, convert, stats, show, split, verify):
    data.add_command(verb)
