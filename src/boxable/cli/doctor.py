"""`boxable doctor`: what is here, what is missing, how to get it."""

import click


@click.command()
def doctor() -> None:
    """Show versions, cache, models, what is missing and how to get it; try a detection.

    Example: boxable doctor
    """
    from boxable.detection.checkup import checkup

    marks = {True: click.style("ok  ", fg="green"), None: "--  ", False: click.style("FAIL", fg="red")}
    healthy = True
    for finding in checkup():
        healthy = healthy and finding.good is not False
        mark = marks[finding.good]
        click.echo(f"{mark} {finding.subject:<14} {finding.text}")
    if not healthy:
        raise click.exceptions.Exit(1)
