"""`boxable classes`: the vocabulary."""

import sys

import click

from boxable.findings import counted


# A query may begin with a minus, so -h is no option here: click would find it in -Fish.
@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("query", required=False)
@click.option("--tree", is_flag=True, help="Show kinds below what they are kinds of.")
@click.option(
    "--model", metavar="NAME", help="Only those of this model (see `boxable models list`), or model file or folder."
)
def classes(query: str | None, tree: bool, model: str | None) -> None:
    """List classes: label id, MID, name, and what each is a kind of.

    They are the 601 of Open Images V4, or with --model those of a model.

    QUERY selects, in the grammar of --classes: `Vehicle` is it and every kind of it, `Vehicle:self` only
    itself, `-Rocket` takes away, commas join; a class is given by name, label id or MID. What is no class is
    searched for in the names.

    Example: boxable classes "Vehicle,-Car" --tree
    """
    if query == "-h":
        click.echo(click.get_current_context().get_help())
        return
    from boxable.vocabulary import open_images
    from boxable.vocabulary.listing import as_rows, as_tree, search
    from boxable.weights.cards import owner_of
    from boxable.weights.pull import classes_of_model

    known = classes_of_model(model) if model else open_images()
    found = search(query, known, owner_of(model, known) if model else None)
    if tree:
        for line in as_tree(found):
            click.echo(line)
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table("label_id", "MID", "name", "a kind of", caption=counted(len(found), "class|es"))
        for row in as_rows(found):
            table.add_row(*row)
        Console().print(table)
    else:
        for row in as_rows(found):
            click.echo("\t".join(row))
