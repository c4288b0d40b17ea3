"""`boxable data verify`: check a data folder."""

from pathlib import Path

import click

from boxable.cli.options import PathArgument, report_format_option
from boxable.printing import print_json


@click.command()
@click.argument("source", metavar="SET", type=PathArgument())
@report_format_option
def verify(source: Path, format_: str) -> None:
    """Check a set: tables, images, and that they belong together.

    SET is a data folder, or a set of any other format that `boxable data convert` reads; what of it cannot be read is
    listed first.

    Every image is decoded, and must have the size that the table of images says; boxes must be inside, with their sides
    in order; flags, classes and Rotation must be legal; no row without an image, no image without a row; a ledger must
    say of each image what is so. Rotation and
    boxes are of the image as it was published: one that was turned afterwards is found by its size or its EXIF data.

    Exit codes: 0 nothing is wrong; 1 something is; 2 wrong usage, or tables that cannot be read; 130 stopped by Ctrl-C.

    \b
    Example: boxable data verify validation/
             boxable data verify validation/ --format json
    """
    from boxable.cli.interrupt import polite_interrupt
    from boxable.datasets.as_data_folder import as_data_folder
    from boxable.datasets.dataset import Dataset
    from boxable.errors import FAILED, INTERRUPTED
    from boxable.openimages.verification import verify as verify_all

    with as_data_folder(source) as (folder, made_of), polite_interrupt() as stop:
        verification = verify_all(Dataset(folder), stop, made_of.notes("warning") if made_of else ())
    if format_ == "json":
        print_json(verification.to_dict())
    else:
        for line in verification.lines():
            click.echo(line)
    if not verification.complete:
        raise click.exceptions.Exit(INTERRUPTED)
    if not verification.good:
        raise click.exceptions.Exit(FAILED)
