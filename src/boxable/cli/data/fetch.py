"""`boxable data fetch`: a part of Open Images, from where it is published."""

import logging
from pathlib import Path
from typing import Any

import click

from boxable.cli.interrupt import polite_interrupt
from boxable.cli.options import PathArgument
from boxable.errors import FAILED, INTERRUPTED, FetchError
from boxable.findings import counted

logger = logging.getLogger("boxable")


@click.command()
@click.argument("folder", metavar="DIR", type=PathArgument())
@click.option("--split", type=click.Choice(["train", "validation", "test"]), required=True, help="Which part of it.")
@click.option(
    "--classes",
    metavar="SELECTION",
    help='Only images with boxes of these, and only these boxes: "Vehicle,-Rocket"; see `boxable classes --help`.',
)
@click.option("--max-images", metavar="N", type=click.IntRange(min=1), help="At most so many, the first by id.")
@click.option("--per-class", metavar="N", type=click.IntRange(min=1), help="Of each class only the first N by id.")
@click.option(
    "--release",
    "version",
    type=click.Choice(["v4", "v5", "v6", "v7"], case_sensitive=False),
    default="v4",
    show_default=True,
    help="Which release of the annotations; the detectors were trained on v4.",
)
@click.option(
    "--source",
    type=click.Choice(["bucket", "original"]),
    default="bucket",
    show_default=True,
    help="The public copies, at most 1024 pixels wide or high, or the files that the authors published.",
)
@click.option("--dry-run", is_flag=True, help="Print how many images and gigabytes that would be, and fetch none.")
def fetch(folder: Path, dry_run: bool, **wanted: Any) -> int:
    """Fetch a part of Open Images into DIR.

    It consists of boxes, image labels, authors and licences, and images. The published tables come first, once: they
    are kept in BOXABLE_HOME, up to 3.3 GB for train. Then only the images that are wanted are fetched, many at a
    time. Each is checked against the size and MD5 that are known of it and decoded, and tried again if something is
    wrong. Run it again to go on after Ctrl-C, an error or a power cut, to try the images that failed once more, or
    with a wider selection to fetch the rest of that.

    stdout has a line for each image that could not be fetched, with the reason; with --dry-run, for each class.

    Exit codes: 0 all there; 1 an image failed and the rest is there, or nothing could be done for want of disk or
    network; 2 wrong usage; 130 stopped by Ctrl-C.

    \b
    Example: boxable data fetch cats --split validation --classes Cat
             boxable data fetch --split train --classes "Vehicle,-Rocket" --per-class 500 --dry-run vehicles
    """
    from boxable.openimages.fetch.fetch_folder import already_there, fetch_folder
    from boxable.openimages.fetch.planning import planned
    from boxable.openimages.fetch.request import Request
    from boxable.settings import open_images_images

    with planned(folder, Request(**wanted)) as plan:
        if dry_run:
            for line in _what_it_comes_to(plan, already_there(folder)):
                click.echo(line)
            return 0
        with polite_interrupt() as stop:
            done = fetch_folder(folder, plan, stop)
    for image_id, reason in done.failures:
        click.echo(f"{image_id}\t{reason}")
    if done.given_up:
        raise FetchError(done.given_up)
    failed, images = len(done.failures), counted(done.images, "image|s")
    if done.missing:
        logger.info("stopped: %s has %s, %d failed, %d not tried", folder, images, failed, done.missing)
        return INTERRUPTED
    logger.info("wrote %s: %s, %s, %d failed", folder, images, _amount(done.bytes), failed)
    if failed and wanted["source"] == "bucket":
        logger.info("they were asked for below %s; run it again to try them once more", open_images_images())
    return FAILED if done.failures else 0


def _what_it_comes_to(plan: Any, there: set[str]) -> list[str]:
    lines = [f"{'class':<32} {'images':>9} {'boxes':>9}"]
    lines += [f"{plan.names.get(item.mid, item.mid):<32} {item.images:>9} {item.boxes:>9}" for item in plan.counts]
    have = len(there & set(plan.ids))
    size, exact = plan.bytes_of(there)
    about = "" if exact else "about "
    why = "" if exact else ", estimated from the mean size of an image"
    lines.append(f"{counted(len(plan.ids), 'image|s')}, {have} of them here; {about}{_amount(size)} to fetch{why}")
    return lines


def _amount(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
