"""Everything that Boxable raises on purpose.

    BoxableError                 catch this one
    ├── ArgumentError            what the caller passed cannot be used (also a ValueError)
    │   ├── UnknownClassError    no such class, or the model does not have it
    │   └── UnknownModelError    no such model
    ├── ImageError               one image cannot be read
    ├── VideoError               a video or camera cannot be read, or not to its end
    ├── WeightsError             weights are missing, damaged or cannot be fetched
    │   └── RefusedError         a file is there, but is not the one that was published
    ├── FetchError               an address does not give what it should
    │   └── HashError            the data have another hash than expected
    └── MissingExtraError        an optional part of Boxable is not installed

Every message says what was expected, what it got and what to do.
"""

from collections.abc import Sequence

# Exit codes of the command: an item or the whole failed; wrong usage; stopped by Ctrl-C.
FAILED, USAGE, INTERRUPTED = 1, 2, 130


class BoxableError(Exception):
    """Base of every error that Boxable raises on purpose."""


class ArgumentError(BoxableError, ValueError):
    """What the caller passed cannot be used."""


class UnknownClassError(ArgumentError):
    """A class name, MID or id that is unknown, or that the model does not have."""


class UnknownModelError(ArgumentError):
    """A model name that is neither a handle, an alias nor an existing file."""


class ImageError(BoxableError):
    """An image that cannot be read; the others can go on."""


class VideoError(BoxableError):
    """A video or camera that cannot be opened, or that breaks off; the frames before are good."""


class WeightsError(BoxableError):
    """Weights that are missing, damaged or cannot be fetched.

    `summary` is the message without `tried`, a line for each place that was tried, and `advice`, what to do.
    """

    def __init__(self, summary: str, tried: Sequence[str] = (), advice: str = "") -> None:
        lines = [summary, *(f"  {line}" for line in tried), advice]
        super().__init__("\n".join(line for line in lines if line))
        self.summary, self.tried, self.advice = summary, tuple(tried), advice


class RefusedError(WeightsError):
    """A file that is not the one that was published, or not the one that was trusted before."""


class FetchError(BoxableError):
    """An address that does not answer, or answers with an error.

    `status` is the HTTP status of an error response. `retryable` tells whether another attempt may succeed, and
    `connected` whether the server was reached.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retryable: bool = False, connected: bool = True
    ) -> None:
        super().__init__(message)
        self.status, self.retryable, self.connected = status, retryable, connected


class HashError(FetchError):
    """Data whose hash (hexadecimal) is not the expected one."""

    def __init__(self, algorithm: str, expected: str, actual: str) -> None:
        super().__init__(f"expected {algorithm} {expected}, got {actual}")
        self.expected, self.actual = expected, actual


class MissingExtraError(BoxableError):
    """An optional dependency is not installed."""

    def __init__(self, what: str, requirement: str) -> None:
        super().__init__(f"{what} needs a package that is not installed; run: pip install '{requirement}'")
