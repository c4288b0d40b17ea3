"""Options of several commands."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from boxable.detection import DEFAULT_MIN_SCORE


class PathArgument(click.Path):
    """A path on the command line: a `Path`, and never the current folder by an empty name, as of an unset variable."""

    def __init__(self, **options: bool) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Convert to a Path. Raises UsageError for an empty name, and as `click.Path` does."""
        if value == "":
            self.fail("expected a path, got an empty name.", parameter, context)
        return super().convert(value, parameter, context)


model_option = click.option(
    "--model",
    metavar="NAME",
    help="Name (see `boxable models list`), file, or folder of a training run.  [default: the 601-class network if "
    "installed, else ssd23]",
)
classes_option = click.option(
    "--classes", metavar="SELECTION", help='Look only for these, as in "Vehicle,-Car"; see `boxable classes --help`.'
)
min_score_option = click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=DEFAULT_MIN_SCORE,
    show_default=True,
    help="Drop detections that score less.",
)
report_format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json"], case_sensitive=False),
    default="table",
    show_default=True,
    help="For people or for programs.",
)
resamples_option = click.option(
    "--resamples", type=click.IntRange(min=0), default=1000, show_default=True, help="Bootstrap draws."
)
unknown_group_of_option = click.option(
    "--unknown-group-of",
    type=click.Choice(["auto", "original"]),
    default="auto",
    show_default=True,
    help="Boxes whose IsGroupOf is -1 are group-of: in a set where some box states the flag, or, as in the original, "
    "always.",
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draws.")


def running_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of running a model; a command passes them on to `load` as they are."""
    for option in (_and_whole, _overlap, _tiles, _proposals, _runtime, _precision):
        command = option(command)
    return command


_proposals = click.option(
    "--proposals",
    type=click.IntRange(min=1),
    help="Boxes that Faster R-CNN classifies in an image, at most; fewer are faster.  [default: 300]",
)
_tiles = click.option(
    "--tiles",
    metavar="SIZE",
    type=click.IntRange(min=1),
    help="Detect in squares of SIZE pixels: small objects.",
)
_overlap = click.option(
    "--overlap",
    metavar="R",
    type=click.FloatRange(0, 0.9),
    help="Part of its side that a tile shares with the next one.  [default: 0.2]",
)
_and_whole = click.option(
    "--and-whole", is_flag=True, help="With --tiles, detect in the whole image too: large objects."
)
_precision = click.option(
    "--precision",
    type=click.Choice(["fp32", "fp16", "bf16", "int8", "fastest"]),
    default="fp32",
    show_default=True,
    help="fp32 has the original's numbers; the others differ a little and are faster.",
)
_runtime = click.option(
    "--runtime",
    type=click.Choice(["onnxruntime", "openvino", "litert", "cuda", "coreml", "directml", "torch", "auto"]),
    default="onnxruntime",
    show_default=True,
    help="What runs the network; auto: the fastest as `bench --save` measured, else the first of a fixed order.",
)


def split_names(values: Iterable[str]) -> list[str]:
    """Split the values of an option at commas."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]
