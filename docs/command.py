"""Write docs/command.md from the command's own help: python docs/command.py."""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import click

from boxable.cli import cli

PAGE = Path(__file__).parent / "command.md"

# The one meaning of an option whose help differs between verbs, since each says what it does with it.
MEANINGS = {
    "--batch-size": "Images that are computed at once.",
    "--classes": "Only these classes, in the grammar of `boxable classes`.",
    "--data": "Annotated images to measure the accuracy on, as `boxable evaluate` takes them.",
    "--every": "One of every N: frames that are processed, images that go to validation.",
    "--format": "The format of the results on stdout; with `--out` of `detect` also of the file.",
    "--from": "What to take the weights from: a model, or a file or folder.",
    "--images": "A folder of images.",
    "--min-score": "Lower scores are dropped.",
    "--model": "The model: a name, see `boxable models list`, or a file.",
    "--name": "The name under which the model is installed.",
    "--out": "The file or folder that results are written to.",
    "--runtime": "What runs the network.",
    "--seed": "The seed of random numbers.",
    "--threads": "Threads.",
    "--workers": "Worker processes.",
}


class Use(NamedTuple):
    """An option of one verb."""

    verb: str
    value: str
    help: str


def page() -> str:
    """Format the page."""
    parts = ["# The command\n\nMade from `--help` by `python docs/command.py`.\n", options_table()]
    for path, command in walk("boxable", cli):
        context = click.Context(
            command,
            info_name=path,
            terminal_width=100,
            max_content_width=100,
            **{"help_option_names": ["-h", "--help"]} | command.context_settings,
        )
        parts.append(f"## {path}\n\n```\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def walk(path: str, command: click.Command) -> list[tuple[str, click.Command]]:
    """Return the command and all its verbs, in order."""
    found = [(path, command)]
    if isinstance(command, click.Group):
        for name, verb in command.commands.items():
            found += walk(f"{path} {name}", verb)
    return found


def options_table() -> str:
    """Format a table of all options: a name has one meaning and one kind of value in every verb."""
    lines = [
        "## Options\n\nAn option has one meaning in every command.\n",
        "| option | meaning | commands |",
        "|---|---|---|",
    ]
    for name, uses in sorted(all_options().items()):
        value = f" {uses[0].value}" if uses[0].value else ""
        verbs = ", ".join(use.verb for use in uses)
        lines.append(f"| `{name}{value}` | {meaning(name, uses).replace('|', chr(92) + '|')} | {verbs} |")
    return "\n".join(lines) + "\n"


def all_options() -> dict[str, list[Use]]:
    """Collect the options of all verbs by name."""
    found = defaultdict(list)
    for path, command in walk("boxable", cli):
        for option in command.params:
            if isinstance(option, click.Option):
                use = Use(path.removeprefix("boxable").strip() or "boxable", value_of(option), option.help or "")
                found["/".join([*option.opts, *option.secondary_opts])].append(use)
    return dict(found)


def value_of(option: click.Option) -> str:
    """Name the kind of value: its metavar, CHOICE, N (whole), X (decimal), or nothing for a switch."""
    if option.is_flag:
        return ""
    kinds = {click.Choice: "CHOICE", click.IntRange: "N", click.FloatRange: "X"}
    return option.metavar or kinds[type(option.type)]


def meaning(name: str, uses: list[Use]) -> str:
    """Return the meaning of an option. Raises KeyError where its helps differ and `MEANINGS` does not say it."""
    helps = {use.help for use in uses}
    return MEANINGS[name] if len(helps) > 1 else helps.pop().partition("  [")[0]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
