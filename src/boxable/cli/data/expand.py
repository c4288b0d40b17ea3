"""`boxable data expand`: annotations along the class hierarchy."""

import logging
from pathlib import Path

import click

from boxable.cli.options import PathArgument
from boxable.findings import counted

logger = logging.getLogger("boxable")


@click.command()
@click.argument("source", type=PathArgument(exists=True, dir_okay=False))
@click.argument("dest", type=PathArgument(dir_okay=False))
@click.option(
    "--classes", metavar="SELECTION", help='Keep only rows of these, as in "Animal,Car"; see `boxable classes --help`.'
)
def expand(source: Path, dest: Path, classes: str | None) -> None:
    """Expand annotations along the hierarchy: a Cat is an Animal too.

    SOURCE is a table of boxes or of image labels, .csv, .csv.gz or .parquet, of any size; DEST is one too, perhaps of
    another format. Each row is followed by a copy for each ancestor of its class; of an image label that people saw not
    to be there (Confidence other than 1), for each kind of its class. All other columns stay as they are. A class that
    is not in the hierarchy has no copies; a note says how many rows there were.

    Exit codes: 0 done; 1 what is needed cannot be read or written; 2 wrong usage or input; 130 stopped by Ctrl-C.

    \b
    Example: boxable data expand validation-annotations-bbox.csv expanded.csv
             boxable data expand train-annotations-bbox.csv --classes Vehicle vehicles.parquet
    """
    from boxable.openimages.expand_table import expand_table
    from boxable.vocabulary import select

    mids = None if classes is None else {item.mid for item in select(classes)}
    done = expand_table(source, dest, mids)
    for note in done.notes:
        logger.info("note: %s", note)
    logger.info("wrote %s: %s, from %d", dest, counted(done.rows_out, "row|s"), done.rows_in)
