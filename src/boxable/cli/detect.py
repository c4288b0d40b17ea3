"""`boxable detect`: find objects in images."""

import sys
from pathlib import Path
from typing import Any, Literal

import click

from boxable.cli.interrupt import polite_interrupt
from boxable.cli.options import PathArgument, classes_option, min_score_option, model_option, running_options

_FORMATS = ["table", "json", "jsonl", "csv", "openimages", "coco", "yolo"]


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@model_option
@classes_option
@min_score_option
@click.option(
    "--max-detections", type=click.IntRange(min=1), default=100, show_default=True, help="At most so many an image."
)
@click.option(
    "--nms",
    type=click.Choice(["per-class", "class-agnostic", "hierarchy"]),
    default="per-class",
    show_default=True,
    help="Which overlapping boxes drop out: of one class; of any class; or also the general one of Person and Woman.",
)
@click.option(
    "--out",
    metavar="PATH",
    type=PathArgument(file_okay=False),
    help="Write the results and the annotated images here.",
)
@click.option(
    "--save-images/--no-save-images", default=None, help="With --out: write the annotated images.  [default: yes]"
)
@click.option("--save-crops", is_flag=True, help="With --out: write each object as an image of its own.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS, case_sensitive=False),
    help="[default: table on a terminal, else jsonl]",
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), default=2, show_default=True, help="Images a thread runs at once."
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads, each with images of its own.  [default: one a core]"
)
@click.option(
    "--decode",
    type=click.Choice(["exact", "fast"]),
    default="exact",
    show_default=True,
    help="fast: large JPEG files at a fraction of their size; numbers change a little.",
)
@click.option(
    "--truncated",
    type=click.Choice(["error", "keep"]),
    default="error",
    show_default=True,
    help="keep: decode damaged images as far as possible; their records are marked.",
)
@running_options
def detect(
    sources: tuple[str, ...],
    model: str | None,
    classes: str | None,
    min_score: float,
    max_detections: int,
    nms: str,
    out: Path | None,
    save_images: bool | None,
    save_crops: bool,
    format_: str | None,
    batch_size: int,
    threads: int | None,
    decode: Literal["exact", "fast"],
    truncated: Literal["error", "keep"],
    **running: Any,
) -> int:
    """Find objects in images.

    A SOURCE is a file, a folder, a glob, a URL, or - for standard input.

    Results go to stdout, everything else to stderr; boxes are ymin, xmin, ymax, xmax from 0 to 1 in the
    upright image. An image that cannot be read has an error in json and jsonl and no row in the other
    formats; yolo writes the number of each class in data.yaml, or in the comment before the first line, and the score
    last.

    With --out the results are also in DIR/detections.* (json lines without --format), the annotated
    images beside it, crops in DIR/crops/<class>/, and for yolo a file an image in DIR/labels/.

    Exit codes: 0 all done; 1 an image failed and the rest is done, or nothing could be done for want of
    weights, disk or network; 2 wrong usage; 130 stopped by Ctrl-C.

    \b
    Example: boxable detect photo.jpg
             boxable detect photos/ --classes "Animal,-Cat" --out found
             boxable detect - --format json < photo.jpg
    """
    from boxable.batch.detect_images import OutputOptions, detect_images
    from boxable.detection.load import load
    from boxable.video.names import require_image_name

    for source in sources:
        require_image_name(source)
    if out is None and (save_images or save_crops):
        raise click.UsageError("--save-images and --save-crops need --out DIR.")
    printed = format_ or ("table" if sys.stdout.isatty() else "jsonl")
    output = OutputOptions(printed, format_ or "jsonl", out, images=save_images is not False, crops=save_crops)
    detector = load(model, threads=threads, batch_size=batch_size, decode=decode, classes=classes, **running)
    with polite_interrupt() as stop:
        return detect_images(
            detector,
            sources,
            output,
            stop,
            min_score=min_score,
            max_detections=max_detections,
            nms=nms,
            truncated=truncated,
        )
