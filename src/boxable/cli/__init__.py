"""The command `boxable`: one file a command.

Exit codes: 0 all done; 1 an item failed and the rest is done, or the work could not be done; 2 wrong usage;
130 stopped by Ctrl-C.
"""

import os
import sys

import click

import boxable
from boxable.cli.bench import bench
from boxable.cli.classes import classes
from boxable.cli.compare import compare
from boxable.cli.completion import completion
from boxable.cli.data import data
from boxable.cli.detect import detect
from boxable.cli.doctor import doctor
from boxable.cli.evaluate import evaluate
from boxable.cli.fuse import fuse
from boxable.cli.import_ import import_
from boxable.cli.models import models
from boxable.cli.process import prepare_logging, prepare_streams, print_message, silence_decoders, silence_litert
from boxable.cli.quantize import quantize
from boxable.cli.serve import serve
from boxable.cli.train import train
from boxable.cli.video import video
from boxable.errors import FAILED, INTERRUPTED, USAGE, ArgumentError, BoxableError, WeightsError
from boxable.printing import one_line

# Verbs that decode no image.
_WITHOUT_IMAGES = ("classes", "compare", "completion", "fuse", "import")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(boxable.__version__, prog_name="boxable")
@click.pass_context
def cli(context: click.Context) -> None:
    """Find objects in images with the detectors that Google trained on Open Images.

    Example: boxable detect photo.jpg --out found
    """
    if context.invoked_subcommand not in _WITHOUT_IMAGES:
        silence_decoders()
    if {"litert", "auto"} & set(sys.argv):
        silence_litert()


for verb in (
    detect,
    video,
    evaluate,
    compare,
    fuse,
    train,
    quantize,
    serve,
    bench,
    data,
    classes,
    models,
    import_,
    doctor,
    completion,
):
    cli.add_command(verb)


def main() -> None:
    """Run the command and leave the process with its exit code."""
    prepare_logging()
    prepare_streams()
    code = _run()
    if code == INTERRUPTED:
        # A download or decoder in another thread would hold up the exit.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    """Run the command; an error becomes one line on stderr and an exit code."""
    try:
        code = cli.main(prog_name="boxable", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "boxable"
        return _fail(f"{' '.join(error.format_message().split())} See: {command} --help", USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _fail("stopped", INTERRUPTED)
    except click.ClickException as error:
        return _fail(error.format_message(), FAILED)
    except ArgumentError as error:
        return _fail(str(error), USAGE)
    except WeightsError as error:
        return _fail(str(error), FAILED, lines=bool(error.tried))
    except BoxableError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:
        # Whoever read stdout has gone (as `| head` does); Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _fail(f"{error.filename or 'stdout'}: {error.strerror or error}", FAILED)
    except MemoryError:
        return _fail("not enough memory", FAILED)


def _fail(message: str, code: int, *, lines: bool = False) -> int:
    """Print the message on one line, or with `lines` on as many as it has; returns the exit code."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    parts = message.split("\n") if lines else [message]
    print_message("boxable: " + "\n".join(map(one_line, parts)))
    return code
