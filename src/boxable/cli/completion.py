"""`boxable completion`: tab completion for the shell."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a shell script that completes commands and options.

    \b
    Example: boxable completion bash >> ~/.bashrc
             boxable completion zsh >> ~/.zshrc
             boxable completion fish > ~/.config/fish/completions/boxable.fish
    """
    root = click.get_current_context().find_root().command
    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(script(root, {}, "boxable", "_BOXABLE_COMPLETE").source())
