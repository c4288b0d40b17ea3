"""Options that several verbs have."""

import click

model_option = click.option(
    "--model",
    metavar="NAME",
    help="Name (see `boxable models list`) or file.  [default: the 601-class network if installed, else ssd23]",
)
classes_option = click.option(
    "--classes", metavar="SELECTION", help='Look only for these, as in "Vehicle,-Car"; see `boxable classes --help`.'
)
min_score_option = click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="Leave out what scores less."
)
resamples_option = click.option(
    "--resamples", type=click.IntRange(min=0), default=1000, show_default=True, help="Bootstrap draws."
)
seed_option = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draws.")
