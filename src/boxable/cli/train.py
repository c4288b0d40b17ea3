"""`boxable train`: fine-tune a model on annotated images."""

import logging
from pathlib import Path
from typing import Any

import click

from boxable.cli.interrupt import sigterm_as_interrupt
from boxable.cli.options import PathArgument
from boxable.cli.process import print_message
from boxable.errors import FAILED, INTERRUPTED, USAGE, ArgumentError


@click.command()
@click.argument("data", type=PathArgument())
@click.option(
    "--from",
    "start",
    metavar="SOURCE",
    help="What to start from: a model's name or file, or random.  [default: as in detect]",
)
@click.option("--out", metavar="PATH", required=True, type=PathArgument(file_okay=False), help="The folder of the run.")
@click.option("--name", metavar="NAME", help="Install the best model under this name.")
@click.option(
    "--val",
    metavar="SET",
    type=PathArgument(),
    help="Images to validate by.  [default: the split of DATA, else a fifth]",
)
@click.option(
    "--train",
    type=click.Choice(["auto", "head", "neck", "all"]),
    default="auto",
    show_default=True,
    help="What is trained: predictions, extra layers too, everything; auto: predictions first, then everything.",
)
@click.option("--keep", is_flag=True, help="Add new classes only: all that the model has stays as it is, bit by bit.")
@click.option("--recipe", type=click.Choice(["default", "original"]), default="default", show_default=True,
              help="How it is trained; original: as Google trained it.")  # fmt: skip
@click.option("--annotations", type=click.Choice(["exhaustive", "verified"]),
              help="Whether classes without a label in an image are absent, or unknown.  "
              "[default: by the format]")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="How long it may take.  [default: 10]")
@click.option("--steps", type=click.IntRange(min=1), help="Steps instead of minutes.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Images in a step.  [default: of the recipe, 16 or 24]")
@click.option("--accumulate", metavar="N", type=click.IntRange(min=1), default=1, show_default=True,
              help="Divide each step into so many parts, which takes less memory.")  # fmt: skip
@click.option("--eql", is_flag=True, help="Reweight rare classes (equalization loss v2).")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random.")
@click.option("--workers", type=click.IntRange(min=0), help="Processes that read images.  [default: half of the cores]")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in RUN, if there is one.")
@click.option("--log", metavar="NAME", help="Log to mlflow, trackio or wandb too.")
def train(data: Path, out: Path, **options: Any) -> int:
    """Fine-tune a model on annotated images.

    Ctrl-C saves the state of the run; the same command with --resume goes on from there, after a crash from the last
    checkpoint. torchrun --nproc-per-node N -m boxable train ... trains in N processes.

    Example: boxable train photos/ --from ssd23 --out run --name mine
    """
    from boxable.training.torchrun import LostRankError, is_first_here
    from boxable.training.train import train as train_model

    silent = not is_first_here()  # about what the first process says too
    if silent:
        logging.getLogger("boxable").setLevel(logging.WARNING)
    try:
        with sigterm_as_interrupt():
            result = train_model(data, out=out, **options)
    except (ArgumentError, LostRankError) as error:
        if silent:
            return USAGE if isinstance(error, ArgumentError) else FAILED
        raise
    except KeyboardInterrupt as stop:
        if not silent:
            print_message(" ".join(["boxable: stopped", *stop.args]) + "; go on with --resume")
        return INTERRUPTED
    if result is not None:
        click.echo(result)
    return 0
