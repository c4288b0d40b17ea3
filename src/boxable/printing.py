"""Results on standard output."""

import codecs
import json
import re
import sys
from typing import Any

from boxable.errors import BoxableError

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def print_text(text: str, *, is_json: bool = False) -> bool:
    """Write to stdout; return False if the pipe is closed.

    JSON is UTF-8: with any other encoding of stdout its other characters than ASCII are escaped.
    """
    try:
        sys.stdout.write(_escaped(text) if is_json and not _is_utf8() else text)
        sys.stdout.flush()
    except BrokenPipeError:
        return False
    except OSError as error:
        raise BoxableError(f"stdout: {error.strerror or error}") from error
    return True


def one_line(text: str) -> str:
    """Escape line breaks and control characters, which names of files may hold."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def print_json(value: Any, indent: int | None = None) -> None:
    """Write a value as JSON and a line break to stdout. Raises BrokenPipeError if the pipe is closed."""
    if not print_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n", is_json=True):
        raise BrokenPipeError


def _escaped(text: str) -> str:
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _is_utf8() -> bool:
    return codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"
