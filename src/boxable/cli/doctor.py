"""`boxable doctor`: what is here, what is missing, how to get it."""

import click

from boxable.cli.checklist import print_checklist


@click.command()
def doctor() -> None:
    """Show versions, cache and models, and try a detection.

    What is missing is listed with how to get it.

    Example: boxable doctor
    """
    from boxable.doctor.installation import check_installation

    print_checklist(check_installation())
