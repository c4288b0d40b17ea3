"""`boxable data split`: train and validation."""

import logging
from pathlib import Path

import click

from boxable.cli.options import PathArgument
from boxable.findings import counted

logger = logging.getLogger("boxable")


@click.command()
@click.argument("source", metavar="SET", type=PathArgument())
@click.option("--out", metavar="PATH", type=PathArgument(file_okay=False), help="Make them here.  [default: in SET]")
@click.option(
    "--every", metavar="N", type=click.IntRange(min=2), default=5, show_default=True, help="One image in N validates."
)
def split(source: Path, out: Path | None, every: int) -> None:
    """Split a set into two data folders, train/ and validation/.

    SET is a data folder, or with --out a set of any other format that `boxable data convert` reads.

    An image validates where int(sha1(ImageID).hexdigest(), 16) % N is 0: so it does in every set that has it, whatever
    else is there. Rows stay as they are. Images are not copied: each gets a second name, a hard link, or a symbolic
    link where that cannot be. boxable data convert takes both splits at once, with --to yolo.

    \b
    Example: boxable data split pets/
             boxable data split pets/ --out parts --every 10
    """
    from boxable.datasets.annotated_formats import TABLES, format_of
    from boxable.datasets.as_data_folder import as_data_folder
    from boxable.openimages.split import split as split_folder

    is_data_folder = format_of(source) in TABLES and source.is_dir()
    if out is None and not is_data_folder:
        raise click.UsageError(f"{source} is no data folder; expected --out PATH, to make train/ and validation/ in.")
    place = out or source
    with as_data_folder(source, place) as (folder, made_of):
        counts = split_folder(folder, place, every)
    for note in made_of.notes() if made_of else ():
        logger.info("note: %s", note)
    for part, count in counts.items():
        logger.info("%s: %s", place / part, counted(count, "image|s"))
        if not count and any(counts.values()):
            logger.warning(
                "%s gets none of %s; ids alone decide, so with few images try another --every",
                part, counted(sum(counts.values()), "image|s"),
            )  # fmt: skip
    logger.info("both as one YOLO folder: boxable data convert %s DEST --to yolo", place)
