"""BYTES tensors of the Open Inference Protocol's binary extension: each value with its length before it."""

import struct

import numpy as np

from boxable.serving.problems import RequestError


def bytes_tensor(values: np.ndarray) -> bytes:
    """Encode text or bytes: 4 bytes of length (little endian), then the value."""
    parts = [value if isinstance(value, bytes) else value.encode() for value in values.tolist()]
    return b"".join(struct.pack("<I", len(part)) + part for part in parts)


def read_bytes_tensor(data: bytes) -> list[bytes]:
    """Decode what `bytes_tensor` made. Raises RequestError."""
    values, place = [], 0
    while place < len(data):
        if place + 4 > len(data):
            raise RequestError(400, "a BYTES tensor ends within a length", reason="bad_input")
        (length,) = struct.unpack_from("<I", data, place)
        place += 4 + length
        if place > len(data):
            raise RequestError(400, "a BYTES tensor ends within a value", reason="bad_input")
        values.append(data[place - length : place])
    return values
