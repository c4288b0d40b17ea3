"""What every verb says of itself, and how wrong usage is met."""

from collections.abc import Iterator

import click
import pytest

import boxable
from boxable.cli import cli
from tests.cli.conftest import Invoke
from tests.conftest import Command


def all_commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = list(all_commands())


def test_these_verbs_exist() -> None:
    assert sorted(" ".join(path) for path in COMMANDS) == [
        "", "bench", "classes", "compare", "completion", "data", "data convert", "data expand", "data fetch",
        "data show", "data split", "data stats", "data verify", "detect", "doctor", "evaluate", "fuse", "import",
        "models", "models info", "models list", "models pull", "models remove", "models verify", "quantize", "serve",
        "train", "video",
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_help_ends_with_an_example_of_the_verb(invoke: Invoke, path: tuple[str, ...], option: str) -> None:
    result = invoke(*path, option)
    assert (result.stderr, result.code) == ("", 0)
    text, _, _ = result.stdout.partition("\nOptions:")
    paragraphs = text.strip().split("\n\n")
    assert paragraphs[-1].strip().startswith(f"Example: boxable {' '.join(path)}".strip())
    assert text.startswith(f"Usage: {' '.join(('boxable', *path))} ")


@pytest.mark.parametrize("group", ["", "data", "models"])
def test_the_list_of_verbs_has_a_whole_line_of_80_columns_for_each(invoke: Invoke, group: str) -> None:
    _, _, listed = invoke(*group.split(), "--help").stdout.partition("Commands:\n")
    lines = listed.splitlines()
    assert len(lines) == len([path for path in COMMANDS if path[:-1] == tuple(group.split()) and path])
    assert [line for line in lines if line.endswith("...") or len(line) > 80] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_has_a_help_text(path: tuple[str, ...]) -> None:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name


def test_the_version_is_the_packages(command: Command) -> None:
    result = command("--version")
    assert (result.stdout.decode(), result.returncode) == (f"boxable, version {boxable.__version__}\n", 0)


def test_without_a_verb_the_help_goes_to_stderr_and_the_exit_code_is_2(invoke: Invoke) -> None:
    result = invoke()
    assert (result.stdout, result.code) == ("", 2)
    assert result.stderr.startswith("Usage: boxable ")


def test_an_unknown_verb_is_one_line_on_stderr_and_exit_code_2(command: Command) -> None:
    result = command("detekt")
    assert (result.stdout, result.returncode) == (b"", 2)
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("boxable: No such command 'detekt'")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_the_shell(invoke: Invoke, shell: str) -> None:
    result = invoke("completion", shell)
    assert (result.stderr, result.code) == ("", 0)
    assert f"_BOXABLE_COMPLETE={shell}_complete" in result.stdout


def test_the_completion_script_completes_verbs(command: Command) -> None:
    environment = {"_BOXABLE_COMPLETE": "bash_complete", "COMP_WORDS": "boxable de", "COMP_CWORD": "1"}
    result = command(env=environment)
    assert result.stdout.decode().splitlines() == ["plain,detect"]


def test_completion_for_another_shell_is_wrong_usage(invoke: Invoke) -> None:
    result = invoke("completion", "tcsh")
    assert (result.stdout, result.code) == ("", 2)
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in result.stderr
