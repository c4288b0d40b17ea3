"""`boxable evaluate`: measure a detector."""

import logging
from pathlib import Path
from typing import Any, Literal

import click

from boxable.cli.options import PathArgument, resamples_option, running_options, seed_option, unknown_group_of_option

logger = logging.getLogger("boxable")


@click.command()
@click.argument("ground_truth", type=PathArgument())
@click.argument("predictions_or_model")
@click.option(
    "--images",
    metavar="DIR",
    type=PathArgument(file_okay=False),
    help="The images, named by image id.  [default: those of GROUND_TRUTH]",
)
@click.option(
    "--protocol",
    type=click.Choice(["challenge", "openimages-v2", "pascal", "coco"]),
    default="challenge",
    show_default=True,
    help="What to measure by; see below.",
)
@click.option(
    "--group-of-weight",
    metavar="W",
    type=click.FloatRange(0, 1),
    help="What a group-of box that is found counts.  [default: challenge 1, openimages-v2 0]",
)
@click.option(
    "--expand/--no-expand",
    default=None,
    help="Expand ground truth along the hierarchy: a Cat is an Animal too.  [default: for challenge]",
)
@unknown_group_of_option
@click.option("--all-classes", is_flag=True, help="Print every class, not only the best and the worst.")
@click.option(
    "--classes",
    metavar="SELECTION",
    help='Count only these classes, as in "Animal,-Cat"; see `boxable classes --help`.',
)
@click.option("--show", metavar="SELECTION", help="Show images of these too in the report, not only of the worst.")
@resamples_option
@seed_option
@running_options
@click.option("--strict", is_flag=True, help="Flaws of the input are an error instead of a note.")
@click.option(
    "--out",
    metavar="PATH",
    type=PathArgument(file_okay=False),
    help="Write report.html, report.md, metrics.json and per-class.csv here; keep a model's detections.",
)
def evaluate(
    ground_truth: Path,
    predictions_or_model: str,
    images: Path | None,
    protocol: str,
    group_of_weight: float | None,
    expand: bool | None,
    unknown_group_of: Literal["auto", "original"],
    all_classes: bool,
    classes: str | None,
    show: str | None,
    resamples: int,
    seed: int,
    strict: bool,
    out: Path | None,
    **running: Any,
) -> None:
    """Measure a detector: mean AP, AP by class, and where it fails.

    GROUND_TRUTH is a set of annotated images in any format that `boxable data convert` reads: a folder with tables of
    Open Images (annotations-bbox.csv, and annotations-human-imagelabels.csv, images.csv and classes.csv if they are
    there; .csv, .csv.gz or .parquet), one table of boxes, COCO JSON, YOLO, Pascal VOC or TFRecord.

    PREDICTIONS_OR_MODEL is a table (ImageID, LabelName, Score, XMin, XMax, YMin, YMax), COCO JSON, what
    `boxable detect` writes in any format but table (of yolo the folder of --out), or a model's name, file or folder. A
    model detects in the images first; with --out it goes on where it was stopped. Its mean AP is over the classes that
    it can name.

    \b
    challenge      mAP at IoU 0.5 of the Open Images Challenge: expanded ground truth, only verified
                   classes of an image count, a group-of box is one object
    openimages-v2  every detection counts, what is in a group-of box is ignored
    pascal         every detection counts, group-of boxes are ordinary, difficult boxes are ignored
    coco           mAP at IoU 0.50 to 0.95, equal to pycocotools: in pixels, a second box is tried

    Rows and images that cannot be used are ignored, and a note on stderr says how many and why.

    Exit codes: 0 done; 1 what is needed cannot be read or written; 2 wrong usage or input; 130 stopped by Ctrl-C.

    \b
    Example: boxable evaluate validation/ predictions.csv
             boxable evaluate validation/ ssd23 --out evaluated --classes "Animal"
    """
    from boxable.evaluation.evaluate_files import evaluate as evaluate_files
    from boxable.evaluation.summary import summary

    evaluation = evaluate_files(
        ground_truth, predictions_or_model, protocol, images=images, group_of_weight=group_of_weight, expand=expand,
        unknown_group_of=unknown_group_of, classes=classes, show=show, resamples=resamples, seed=seed, strict=strict,
        out=out, **running,
    )  # fmt: skip
    for note in evaluation.notes:
        logger.info("note: %s", note)
    click.echo(summary(evaluation, all_classes=all_classes))
    if out is not None:
        logger.info("wrote %s", out / "report.html")
