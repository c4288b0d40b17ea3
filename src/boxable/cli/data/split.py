"""`boxable data split`: train and validation."""

import logging
from pathlib import Path

import click

from boxable.cli.options import PathArgument
from boxable.findings import counted

logger = logging.getLogger("boxable")


@click.command()
@click.argument("source", metavar="SET", type=PathArgument())
@click.option(
    "--out",
    metavar="PATH",
    required=True,
    type=PathArgument(file_okay=False),
    help="The folder to make train/ and validation/ in.",
)
@click.option(
    "--every",
    metavar="N",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Of N images one goes to validation.",
)
def split(source: Path, out: Path, every: int) -> None:
    """Split a set into two data folders, train/ and validation/.

    SET is a data folder, or a set of any other format that `boxable data convert` reads. It stays as it is.

    An image goes to validation if int(sha1(ImageID).hexdigest(), 16) % N is 0. So it is in the same split whatever
    other images are in the set. Rows stay as they are. Images are not copied but linked: by hard links, or by symbolic
    links where the file system has no hard links. `boxable data convert PATH DEST --to yolo` makes one YOLO folder of
    both splits.

    \b
    Example: boxable data split pets/ --out parts
             boxable data split pets/ --out parts --every 10
    """
    from boxable.datasets.as_data_folder import as_data_folder
    from boxable.openimages.split import split as split_folder

    with as_data_folder(source, out) as (folder, made_of):
        counts = split_folder(folder, out, every)
    for note in made_of.notes() if made_of else ():
        logger.info("note: %s", note)
    for part, count in counts.items():
        logger.info("%s: %s", out / part, counted(count, "image|s"))
        if not count and any(counts.values()):
            logger.warning(
                "%s gets none of %s; ids alone decide, so with few images try another --every",
                part, counted(sum(counts.values()), "image|s"),
            )  # fmt: skip
    logger.info("both as one YOLO folder: boxable data convert %s DEST --to yolo", out)
