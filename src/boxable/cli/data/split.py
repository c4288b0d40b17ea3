"""`boxable data split`: train and validation."""

import logging
from pathlib import Path

import click

logger = logging.getLogger("boxable")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--out", metavar="PATH", type=click.Path(path_type=Path, file_okay=False), help="Make them here.  [default: in DIR]"
)
@click.option(
    "--every", metavar="N", type=click.IntRange(min=2), default=5, show_default=True, help="One image in N validates."
)
def split(folder: Path, out: Path | None, every: int) -> None:
    """Split a data folder into two, train/ and validation/.

    An image validates where int(sha1(ImageID).hexdigest(), 16) % N is 0: so it does in every set that has it, whatever
    else is there. Rows stay as they are. Images are not copied: each gets a second name, a hard link, or a symbolic
    link where that cannot be. boxable data convert takes both parts at once, with --to yolo.

    \b
    Example: boxable data split pets/
             boxable data split pets/ --out parts --every 10
    """
    from boxable.openimages.split import split as split_folder

    counts = split_folder(folder, out or folder, every)
    for part, count in counts.items():
        logger.info("%s: %d images", (out or folder) / part, count)
        if not count and any(counts.values()):
            logger.warning(
                "%s gets none of the %d images; ids alone decide, so with few images try another --every",
                part, sum(counts.values()),
            )  # fmt: skip
    logger.info("both as one YOLO folder: boxable data convert %s DEST --to yolo", out or folder)
