"""`boxable doctor`: what is here, what is missing, how to get it."""

import click

from boxable.cli.checklist import print_checklist


@click.command()
def doctor() -> None:
    """Show versions, cache, models, what is missing and how to get it; try a detection.

    Example: boxable doctor
    """
    from boxable.doctor.installation import check_installation

    print_checklist(check_installation())
