"""`boxable models`: the networks that Boxable knows."""

from pathlib import Path

import click


@click.group()
def models() -> None:
    """List, describe and install networks.

    Example: boxable models list
    """


@models.command("list")
def list_models() -> None:
    """List the networks: name, classes, whether installed, handle.

    Example: boxable models list
    """
    from boxable.weights.cards import all_cards
    from boxable.weights.store import installed

    for card in all_cards():
        state = "installed" if installed(card) else "not installed"
        click.echo(f"{card.alias:<8} {len(card.classes):>3} classes  {state:<13}  {card.handle}")


@models.command()
@click.argument("name")
def info(name: str) -> None:
    """Describe a network: size, licence, sources, hashes, classes, published figures, how to get it.

    Example: boxable models info ssd23
    """
    from boxable.weights.cards import find_card
    from boxable.weights.describe import describe

    for line in describe(find_card(name)):
        click.echo(line)


@models.command()
@click.argument("name")
@click.option("--from", "local", metavar="PATH", type=click.Path(path_type=Path),
              help="Take it from this file or folder instead of the network.")  # fmt: skip
def pull(name: str, local: Path | None) -> None:
    """Fetch and install a network; does nothing if it is installed and whole.

    Example: boxable models pull ssd23
    """
    from boxable.weights.cards import find_card
    from boxable.weights.store import pull as pull_weights

    card = find_card(name)
    path = pull_weights(card, local)
    click.echo(f"{card.alias} is installed: {path}", err=True)
