"""`boxable data convert`: annotated images in another format."""

import logging
from pathlib import Path

import click

from boxable.cli.options import PathArgument

logger = logging.getLogger("boxable")


@click.command()
@click.argument("source", type=PathArgument())
@click.argument("dest", type=PathArgument())
@click.option(
    "--to",
    required=True,
    type=click.Choice(["openimages", "parquet", "coco", "yolo", "voc", "tfrecord"]),
    help="The format of DEST.",
)
@click.option(
    "--image-files",
    "image_mode",
    type=click.Choice(["copy", "link", "none"]),
    default="copy",
    show_default=True,
    help="How image files get into a folder; COCO has none, and TFRecord always holds them.",
)
@click.option(
    "--shards",
    metavar="N",
    type=click.IntRange(1, 999),
    help="How many files TFRecord has; otherwise as many as 100 MB for each take.",
)
def convert(source: Path, dest: Path, to: str, image_mode: str, shards: int | None) -> None:
    """Convert annotated images to another format.

    The format of SOURCE is recognized; DEST must not exist.

    \b
    openimages  a folder of CSV tables as Open Images has them; as SOURCE also one table of boxes
    parquet     a data folder, the same in Parquet
    coco        a .json file; as SOURCE also a folder with one, or one for each split
    yolo        a folder with data.yaml, images/ and labels/; as SOURCE also with obj.names or classes.txt
    voc         a folder with Annotations/ and JPEGImages/; as SOURCE also with XML beside its images
    tfrecord    DEST.tfrecord, or shards DEST-00000-of-00010, with the features of create_oid_tf_record

    Read are also OIDv4_ToolKit, FiftyOne, and CSV with corners in pixels of the Object Detection API's tutorials.

    SOURCE may also be a folder with data folders train/, validation/ or test/ in it, as `boxable data split` makes
    it: one set with these splits. With --to yolo the splits become train, val and test of one data.yaml.

    What a format cannot hold, such as the group-of flags of boxes in YOLO, is dropped, and a note on stderr gives the
    number. DEST appears when it is complete.

    Exit codes: 0 done; 1 what is needed cannot be read or written; 2 wrong usage or input; 130 stopped by Ctrl-C.

    \b
    Example: boxable data convert validation/ validation-yolo --to yolo --image-files link
             boxable data convert validation/ records/validation --to tfrecord --shards 10
             boxable data split pets/ --out parts && boxable data convert parts pets-yolo --to yolo
    """
    from boxable.openimages.convert_set import convert as convert_set

    for note in convert_set(source, dest, to, image_mode=image_mode, shards=shards):
        logger.info("note: %s", note)
    logger.info("wrote %s", dest)
