"""Lines on the places that were tried for weights."""

from urllib.parse import urlsplit


def at_host(address: str, error: object) -> str:
    """Format what went wrong at an address, with its host only: the advice below has the full address."""
    host = urlsplit(address).netloc
    return f"{host}: {' '.join(str(error).split())}".replace(address, host)
