"""The split of a set whose images are not assigned to train and validation: by a hash of the image id."""

import hashlib

EVERY = 5


def is_validation(image_id: str, every: int = EVERY) -> bool:
    """Whether the SHA-1 of the id (as UTF-8), as a number, is divisible by `every`."""
    digest = hashlib.sha1(image_id.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
    return int(digest, 16) % every == 0
