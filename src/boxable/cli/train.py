"""`boxable train`: fine-tune a model on annotated images."""

import logging
from pathlib import Path
from typing import Any

import click

from boxable.cli.interrupt import sigterm_as_interrupt
from boxable.cli.options import PathArgument
from boxable.cli.process import keep_freed_memory, print_message
from boxable.errors import FAILED, INTERRUPTED, USAGE, ArgumentError


@click.command()
@click.argument("data", type=PathArgument())
@click.option(
    "--from",
    "start",
    metavar="SOURCE",
    help="What to start from: a name (see `boxable models list`), a file, the folder of a run, or random for "
    "untrained variables.  [default: as in detect]",
)
@click.option("--out", metavar="PATH", required=True, type=PathArgument(file_okay=False), help="The folder of the run.")
@click.option("--name", metavar="NAME", help="Install the best model under this name, for --model of other commands.")
@click.option(
    "--val",
    metavar="SET",
    type=PathArgument(),
    help="Images to validate by, in any format.  [default: the validation split of DATA, else one image in five]",
)
@click.option(
    "--annotations",
    type=click.Choice(["exhaustive", "verified"]),
    help="What a class without a label in an image is: absent, or unknown unless an image label says that it is "
    "absent.  [default: verified if image labels name absent classes, else exhaustive]",
)
@click.option(
    "--train",
    type=click.Choice(["auto", "head", "neck", "all"]),
    default="auto",
    show_default=True,
    help="How much of the network learns; see above.",
)
@click.option(
    "--keep", is_flag=True, help="Add new classes only: all that the model has stays as it is, bit by bit; see above."
)
@click.option(
    "--recipe",
    type=click.Choice(["default", "original"]),
    default="default",
    show_default=True,
    help="Loss, optimizer and augmentation; original: those that Google trained with.",
)
@click.option("--eql", is_flag=True, help="Reweight rare classes (equalization loss v2), for many uneven classes.")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    help="How long it may take; becomes steps at the start, by the speed of this machine.  [default: 10]",
)
@click.option(
    "--steps", type=click.IntRange(min=1), help="How many steps instead, so that the result depends on no clock."
)
@click.option(
    "--batch-size", type=click.IntRange(min=1), help="Images in a step.  [default: 16, of the original recipe 24]"
)
@click.option(
    "--accumulate",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Compute each step in N parts, one after the other, which takes less memory.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    help="Processes that read images.  [default: half of the cores, with a GPU all]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the order of images, of their augmentation, and of the first values of new columns.",
)
@click.option(
    "--resume", is_flag=True, help="Go on with the run in PATH, with the same arguments; begin it if none is."
)
@click.option(
    "--log", metavar="NAME", help="Log to mlflow, trackio or wandb as well. Without it nothing leaves this machine."
)
def train(data: Path, out: Path, **options: Any) -> int:
    """Fine-tune a model on annotated images.

    DATA is a set of annotated images in any format that `boxable evaluate` reads: COCO JSON, YOLO, Pascal VOC, tables
    of Open Images, TFRecord and others. The trained model has the classes with boxes there. Those that the starting
    model has too go on from what it knows.

    The folder of the run gets checkpoints (best/ by mean AP on the validation images, last/), report.html, the log and
    its curves. It is a model for every command: `boxable detect photo.jpg --model PATH`.

    \b
    head  the predictions learn, from features that are computed once: fastest
    neck  the extra layers before them learn too
    all   everything learns
    auto  the predictions first, then everything

    Training ends early where validation no longer improves.

    With --keep the model finds its old classes exactly as before, and new ones too. Ask for the old ones with --classes
    of detect, as all classes share the limit of 100 detections.

    Images and boxes that cannot be used are dropped or replaced, and a note on stderr says how many and why. Ctrl-C
    saves the state of the run; the same command with --resume goes on from there, after a crash from the last
    checkpoint. torchrun --nproc-per-node N -m boxable train ... trains in N processes. Needs boxable[train].

    Exit codes: 0 done; 1 what is needed cannot be read or written, or a loss is not finite; 2 wrong usage or input; 130
    stopped by Ctrl-C.

    \b
    Example: boxable train photos/ --from ssd23 --out run --name mine
             boxable train more/ --from mine --keep --out run2 --minutes 5
    """
    from boxable.training.torchrun import LostRankError, is_first_here
    from boxable.training.train import train as train_model

    keep_freed_memory()
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
