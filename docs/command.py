"""Write docs/command.md from the command's own help: python docs/command.py."""

from pathlib import Path

import click

from boxable.cli import cli

PAGE = Path(__file__).parent / "command.md"


def page() -> str:
    """Format the page."""
    parts = ["# The command\n\nMade from `--help` by `python docs/command.py`.\n"]
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


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
