"""Findings of a check, a line each."""

from collections.abc import Iterable

import click

from boxable.findings import Finding

_MARKS = {
    "ok": click.style("ok  ", fg="green"),
    "note": "--  ",
    "warning": "!   ",
    "error": click.style("FAIL", fg="red"),
}


def print_checklist(findings: Iterable[Finding]) -> None:
    """Print the findings as they are made; end the command with exit code 1 if one is an error."""
    failed = False
    for finding in findings:
        failed = failed or finding.level == "error"
        click.echo(f"{_MARKS[finding.level]} {finding.subject:<14} {finding.text}")
    if failed:
        raise click.exceptions.Exit(1)
