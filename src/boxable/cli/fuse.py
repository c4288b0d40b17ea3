"""`boxable fuse`: the predictions of several detectors become one."""

import logging
from pathlib import Path

import click

from boxable.cli.options import PathArgument
from boxable.findings import counted
from boxable.fusion import IOU_THRESHOLD

logger = logging.getLogger("boxable")


@click.command()
@click.argument("predictions", nargs=-1, required=True, type=PathArgument())
@click.option("--out", metavar="PATH", required=True, type=PathArgument(dir_okay=False), help="The .csv file to write.")
@click.option(
    "--weight",
    "weights",
    metavar="W",
    multiple=True,
    type=click.FloatRange(min=0, min_open=True),
    help="How much a detector counts; once for each file, in their order.  [default: 1 for each]",
)
@click.option(
    "--iou",
    metavar="IOU",
    type=click.FloatRange(0, 1, max_open=True),
    default=IOU_THRESHOLD,
    show_default=True,
    help="Boxes that overlap by more than this become one.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Drop boxes that score less, before.",
)
def fuse(predictions: tuple[Path, ...], out: Path, weights: tuple[float, ...], iou: float, min_score: float) -> None:
    """Fuse the predictions of several detectors on the same images.

    PREDICTIONS are two files or more, each of one detector, that `boxable evaluate` takes: tables (ImageID, LabelName,
    Score, XMin, XMax, YMin, YMax), COCO JSON, or what `boxable detect` writes. Boxes of a class that overlap become
    their mean, weighted by score; what few detectors find scores less (weighted boxes fusion, arXiv:1910.13302). The
    file that is written is such a table.

    Exit codes: 0 done; 1 a file cannot be read or written; 2 wrong usage or input.

    \b
    Example: boxable fuse ssd.csv frcnn.csv --weight 1 --weight 2 --out fused.csv
             boxable evaluate validation/ fused.csv
    """
    from boxable.fusion.fuse import fuse as fuse_predictions

    fused = fuse_predictions(*predictions, weights=weights or None, iou_threshold=iou, min_score=min_score, out=out)
    for note in fused.notes:
        logger.warning("%s", note)
    click.echo(f"{counted(len(fused), 'box|es')} in {counted(len(fused.image.used()), 'image|s')}: {out}")
