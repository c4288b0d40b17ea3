"""`boxable serve`: an HTTP service on a detector."""

import logging
import re
import sys
from pathlib import Path
from typing import Any, Literal

import click

from boxable.cli.options import PathArgument, running_options, split_names
from boxable.cli.process import prepare_logging, silence_decoders
from boxable.errors import MissingExtraError


def _check_origins(context: click.Context, option: click.Parameter, origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if not re.fullmatch(r"\*|https?://[^/?#\s]+", origin):
            raise click.BadParameter(f'{origin}: expected a scheme and a host, as in "https://example.org", or *')
    return origins


def _model_names(context: click.Context, option: click.Parameter, given: str | None) -> tuple[str, ...]:
    if given is None:
        return ()
    names = split_names([given])
    if not names:
        raise click.BadParameter("expected names of models, got none")
    return tuple(names)


@click.command()
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0: all."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port to listen on.")
@click.option(
    "--models",
    metavar="NAMES",
    callback=_model_names,
    help="Models to serve, separated by commas.  [default: that of `load()`]",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Server processes.",
)
@click.option("--classes", metavar="SELECTION", help='Detect these classes alone, as in "Animal,-Cat".')
@click.option("--queue", type=click.IntRange(1), default=64, show_default=True, help="Images that may wait.")
@click.option(
    "--max-batch",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Images that run together, if they wait already; on CPUs one was the fastest.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=30.0,
    show_default=True,
    help="Seconds that a request may take; Request-Timeout of a request may be less.",
)
@click.option(
    "--grace",
    type=click.FloatRange(1),
    default=30.0,
    show_default=True,
    help="Seconds that requests may still take after SIGTERM.",
)
@click.option(
    "--class-fields",
    type=click.Choice(["served", "documented"]),
    default="served",
    show_default=True,
    help="Strings of the protocols of other servers: as the published module served them, or as it was documented.",
)
@click.option("--keys", metavar="FILE", type=PathArgument(dir_okay=False), help="SHA-256 of accepted keys, one a line.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    callback=_check_origins,
    help="A site that may call (CORS); repeatable.",
)
@click.option("--allow-urls", is_flag=True, help="Fetch images from public addresses that clients name.")
@running_options
def serve(
    host: str,
    port: int,
    models: tuple[str, ...],
    workers: int,
    classes: str | None,
    queue: int,
    max_batch: int,
    timeout: float,
    grace: float,
    class_fields: Literal["served", "documented"],
    keys: Path | None,
    origins: tuple[str, ...],
    allow_urls: bool,
    **running: Any,
) -> None:
    """Serve detection over HTTP: an API, and a page at /.

    Speaks its own API (POST /v1/detect; see /openapi.json), the REST API of TensorFlow Serving, and the Open Inference
    Protocol v2. Metrics for Prometheus are at /metrics. SIGTERM ends it after the requests that were accepted; SIGHUP
    loads the models again.

    Exit codes: 0 stopped; 1 it cannot listen or load; 2 wrong usage.

    \b
    Example: boxable serve --models ssd23
             curl --data-binary @photo.jpg 127.0.0.1:8000/v1/detect
    """
    try:
        from boxable.serving.server import serve as run_service
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "boxable":
            raise
        raise MissingExtraError("serve", "boxable[serve]") from None
    from boxable.serving.options import ServeOptions

    prepare_access_log()
    run_service(
        ServeOptions(
            models, running | {"classes": classes}, host, port, workers, queue, max_batch, timeout, grace,
            key_hashes=_hashes(keys), origins=origins, class_fields=class_fields, allow_urls=allow_urls,
        ),
        prepare_worker,
    )  # fmt: skip


def prepare_worker() -> None:
    """Set up a worker process as the command sets up its own."""
    prepare_logging()
    silence_decoders()
    prepare_access_log()


def prepare_access_log() -> None:
    """Write the access log to stdout, a line of JSON for each request."""
    log = logging.getLogger("boxable.access")
    log.addHandler(logging.StreamHandler(sys.stdout))
    log.setLevel(logging.INFO)
    log.propagate = False


def _hashes(path: Path | None) -> frozenset[str]:
    if path is None:
        return frozenset()
    hashes = set()
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
        words = line.partition("#")[0].lower().split()  # sha256sum writes the name of its file behind the hash
        if not words:
            continue
        digest = words[0].removeprefix("sha256:")
        if not re.fullmatch("[0-9a-f]{64}", digest):
            text = f"{path}, line {number}: expected a SHA-256 hash, 64 hexadecimal digits"
            raise click.BadParameter(text, param_hint="--keys")
        hashes.add(digest)
    if not hashes:
        raise click.BadParameter(f"{path}: expected a SHA-256 hash on each line, got none", param_hint="--keys")
    return frozenset(hashes)
