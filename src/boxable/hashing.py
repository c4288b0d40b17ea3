"""Checksums: SHA-256 and MD5 of files, SHA-256 of bytes, TensorFlow's masked CRC32C."""

import hashlib
from pathlib import Path
from typing import Literal

from boxable.errors import HashError

Algorithm = Literal["sha256", "md5"]


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of the data, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def hash_of_file(path: Path, algorithm: Algorithm = "sha256") -> str:
    """Return the hash of a file's content, hexadecimal, without reading it whole into memory. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def check_hash(expected: str, actual: str, algorithm: Algorithm = "sha256") -> None:
    """Raise HashError unless the hashes are equal."""
    if actual != expected:
        raise HashError(algorithm, expected, actual)


def masked_crc32c(data: bytes) -> int:
    """Return TensorFlow's checksum: the CRC32C, rotated and shifted so that checksums can be stored among data."""
    import google_crc32c

    crc = google_crc32c.value(data)
    return int((((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)
