"""`boxable data show`: images with their boxes."""

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
    "files",
    metavar="PATH",
    multiple=True,
    required=True,
    type=PathArgument(dir_okay=False),
    help="Write the sheet here: .jpg or .png is an image, .html a page; repeatable.",
)
@click.option(
    "--classes", metavar="SELECTION", help='Only images with these, as in "Vehicle,-Car"; see `boxable classes --help`.'
)
@click.option("--count", type=click.IntRange(1, 500), default=24, show_default=True, help="At most so many images.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random sample.")
def show(source: Path, files: tuple[Path, ...], classes: str | None, count: int, seed: int) -> None:
    """Draw a contact sheet of a set: images with their boxes.

    They are a random sample, upright. SET is a data folder, or a set of any other format that `boxable data convert`
    reads. The page is one file with the images in it. With --classes only boxes of these are drawn.

    \b
    Example: boxable data show validation/ --out sheet.jpg
             boxable data show validation/ --classes Animal --count 60 --out animals.html
    """
    from boxable.datasets.as_data_folder import as_data_folder
    from boxable.datasets.dataset import Dataset
    from boxable.openimages.contact_sheet import show as draw

    with as_data_folder(source) as (folder, made_of):
        shown = draw(Dataset(folder), files, classes=classes, count=count, seed=seed)
    for note in made_of.notes("note", "warning") if made_of else ():
        logger.info("note: %s", note)
    logger.info("wrote %s with %s", " and ".join(map(str, files)), counted(shown, "image|s"))
