"""Results on standard output."""

import sys

from boxable.errors import BoxableError


def print_text(text: str) -> bool:
    """Write to stdout; return False if the pipe is closed."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        return False
    except OSError as error:
        raise BoxableError(f"stdout: {error.strerror or error}") from error
    return True
