"""`boxable quantize`: int8 for a model, and its accuracy."""

from pathlib import Path
from typing import Literal

import click

from boxable.cli.options import PathArgument, unknown_group_of_option


@click.command()
@click.argument("model")
@click.option(
    "--calibration",
    metavar="DIR",
    required=True,
    multiple=True,
    type=PathArgument(exists=True, file_okay=False),
    help="Images such as the model will see; repeatable. 200 of them are used.",
)
@click.option(
    "--data",
    metavar="SET",
    multiple=True,
    type=PathArgument(),
    help="Images with boxes to measure on, as `boxable evaluate` takes them; repeatable.  "
    "[default: half of --calibration, if that has annotations]",
)
@click.option(
    "--loss",
    metavar="POINTS",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    help="Mean AP, from 0 to 100, that int8 may lose on each set.",
)
@click.option("--force", is_flag=True, help="Keep it whatever it loses, or unmeasured where there are no boxes.")
@click.option(
    "--runtime",
    type=click.Choice(["onnxruntime", "openvino"]),
    default="onnxruntime",
    show_default=True,
    help="What to measure on; the calibration serves all.",
)
@unknown_group_of_option
def quantize(
    model: str,
    calibration: tuple[Path, ...],
    data: tuple[Path, ...],
    loss: float,
    force: bool,
    runtime: Literal["onnxruntime", "openvino"],
    unknown_group_of: Literal["auto", "original"],
) -> None:
    """Make a model ready for int8.

    Afterwards `boxable.load(MODEL, precision="int8")` works. MODEL is a name (see `boxable models list`), a
    .safetensors file or the folder of a training run. Mean AP by the rules of the Open Images Challenge is measured
    before and after, on images that were not calibrated with (the same content under another name counts as the same
    image), with the 95 % interval of the difference from a paired bootstrap over images. `boxable models info` shows it
    from then on. Measuring needs boxable[evaluate].

    Exit codes: 0 done; 1 int8 loses more than it may, and nothing was kept, or what is needed cannot be read or
    written; 2 wrong usage or input; 130 stopped by Ctrl-C.

    \b
    Example: boxable quantize mine --calibration photos/ --data validation/
    """
    from boxable.evaluation.quantize import quantize as quantize_model

    for line in quantize_model(
        model, calibration, data, loss=loss, force=force, runtime=runtime, unknown_group_of=unknown_group_of
    ):
        click.echo(line)
