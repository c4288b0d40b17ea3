"""TFRecord files and the `tf.train.Example` messages in them, without TensorFlow.

A record is its length (u64), the masked CRC-32C of that, the data, and the masked CRC-32C of the data, little endian
(SEMANTICS §9). An Example maps names to lists of bytes, of floats or of integers.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

from google.protobuf.message import DecodeError

from boxable.errors import ArgumentError
from boxable.files import reading
from boxable.hashing import masked_crc32c
from boxable.tf_messages import message_classes

# A feature: the kind of its list, and the values.
Feature = tuple[str, Sequence[Any]]
BYTES, FLOATS, INTEGERS = "bytes_list", "float_list", "int64_list"

_HEADER, _CRC = struct.Struct("<QI"), struct.Struct("<I")
# A record holds an image; a greater length is damage.
_MOST_BYTES = 1 << 30

# Field numbers are those of TensorFlow's example.proto and feature.proto; a map is a list of entries on the wire.
_PACKAGE = "boxable.example"
_MESSAGES = {
    "BytesList": {"value": (1, "*bytes")},
    "FloatList": {"value": (1, "*float")},
    "Int64List": {"value": (1, "*int64")},
    "Feature": {BYTES: (1, "BytesList"), FLOATS: (2, "FloatList"), INTEGERS: (3, "Int64List")},
    "Entry": {"key": (1, "string"), "value": (2, "Feature")},
    "Features": {"feature": (1, "*Entry")},
    "Example": {"features": (1, "Features")},
}


def write_record(file: IO[bytes], data: bytes) -> None:
    """Append a record."""
    length = struct.pack("<Q", len(data))
    file.write(length + _CRC.pack(masked_crc32c(length)) + data + _CRC.pack(masked_crc32c(data)))


def read_records(path: Path) -> Iterator[bytes]:
    """Iterate over the records of a file. Raises ArgumentError for a damaged or truncated one."""
    number = 0
    with reading(path), path.open("rb") as file:
        while header := file.read(_HEADER.size):
            length, crc = _HEADER.unpack(header) if len(header) == _HEADER.size else (0, -1)
            if crc != masked_crc32c(header[:8]) or length > _MOST_BYTES:
                raise ArgumentError(f"{path}: record {number} is damaged, or this is no TFRecord file")
            data, tail = file.read(length), file.read(_CRC.size)
            if len(data) < length or len(tail) < _CRC.size:
                raise ArgumentError(f"{path}: record {number} is truncated")
            if _CRC.unpack(tail)[0] != masked_crc32c(data):
                raise ArgumentError(f"{path}: record {number} is damaged (wrong checksum)")
            yield data
            number += 1


def example(features: Mapping[str, Feature]) -> bytes:
    """Serialize an Example with these features; empty lists are kept."""
    message = _classes()["Example"]()
    for name, (kind, values) in features.items():
        entry = message.features.feature.add(key=name)
        held = getattr(entry.value, kind)
        held.SetInParent()
        held.value.extend(values)
    return bytes(message.SerializeToString())


def parse_example(data: bytes, name: str) -> dict[str, Sequence[Any]]:
    """Parse the values of each feature. Raises ArgumentError, beginning with `name`, for anything but an Example."""
    message = _classes()["Example"]()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise ArgumentError(f"{name}: expected a tf.train.Example") from None
    found: dict[str, Sequence[Any]] = {}
    for entry in message.features.feature:
        kind = next((kind for kind in (BYTES, FLOATS, INTEGERS) if entry.value.HasField(kind)), None)
        found[entry.key] = getattr(entry.value, kind).value if kind else ()
    return found


@cache
def _classes() -> dict[str, Any]:
    classes = message_classes(_PACKAGE, _MESSAGES)
    return {name.rpartition(".")[2]: made for name, made in classes.items()}
