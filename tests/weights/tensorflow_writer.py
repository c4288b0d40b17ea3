"""Write TensorFlow's files byte by byte, so that tests can make every kind of damage."""

import io
import struct
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cramjam
import google_crc32c
import numpy as np
from numpy.typing import NDArray

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2

Arrays = Mapping[str, NDArray[np.generic]]

FLOAT, DOUBLE, STRING, INT64, HALF = 1, 2, 7, 9, 19
TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.float64): DOUBLE, np.dtype(np.int64): INT64}
TYPES |= {np.dtype(np.float16): HALF, np.dtype(np.int32): 3}


# --- protobuf on the wire ---


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    result = b""
    while value > 0x7F:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def message(*fields: tuple[int, int | bytes | str]) -> bytes:
    """Fields as (number, value): an int as varint, everything else with its length before it."""
    result = b""
    for number, value in fields:
        if isinstance(value, int):
            result += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            result += varint(number << 3 | 2) + varint(len(data)) + data
    return result


def shape_of(sizes: Iterable[int]) -> bytes:
    return message(*((2, message((1, size))) for size in sizes))


def tensor(shape: Iterable[int], dtype: int = FLOAT, **content: bytes) -> bytes:
    """A TensorProto; `content` has its `raw` bytes, or packed `floats` or `halves`."""
    numbers = {"raw": 4, "floats": 5, "halves": 13}
    return message((1, dtype), (2, shape_of(shape)), *((numbers[key], value) for key, value in content.items()))


def constant(name: str, value: bytes, op: str = "Const") -> bytes:
    """A node of a graph, as a field of it."""
    attribute = message((1, "value"), (2, message((8, value))))
    return message((1, message((1, name), (2, op), (5, attribute))))


def of_array(values: NDArray[np.generic]) -> bytes:
    return tensor(values.shape, TYPES[values.dtype], raw=values.tobytes())


def of_strings(*texts: str) -> bytes:
    return message((1, STRING), (2, shape_of([len(texts)])), *((8, text) for text in texts))


def graph(arrays: Arrays, *more: bytes, prefix: str = "") -> bytes:
    """A GraphDef with these constants; `more` are further nodes."""
    return b"".join(constant(prefix + name, of_array(values)) for name, values in arrays.items()) + b"".join(more)


def saved_model(*graphs: bytes) -> bytes:
    return message((1, 1), *((2, message((2, data))) for data in graphs))


# --- tensor bundles ---


def masked(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def block(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A block of an SSTable with shared prefixes and one restart point."""
    result, before = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        result += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return result + struct.pack("<II", 0, 1)


@dataclass
class Table:
    """The blocks of an SSTable as they are added."""

    content: bytes = b""

    def add(self, data: bytes, compression: int = 0, wrong_checksum: bool = False) -> bytes:
        """Returns the handle of the block."""
        stored = bytes(cramjam.snappy.compress_raw(data)) if compression == 1 else data
        handle = varint(len(self.content)) + varint(len(stored))
        stored += bytes([compression])
        self.content += stored + struct.pack("<I", masked(stored) ^ wrong_checksum)
        return handle

    def finish(self, index: bytes) -> bytes:
        meta = self.add(block([]))
        return self.content + (meta + index).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def sstable(entries: Iterable[tuple[bytes, bytes]], *, per_block: int = 4, compression: int = 0,
            wrong_checksum: bool = False) -> bytes:  # fmt: skip
    ordered = sorted(entries)
    table, pointers = Table(), []
    for start in range(0, len(ordered), per_block):
        part = ordered[start : start + per_block]
        pointers.append((part[-1][0], table.add(block(part), compression, wrong_checksum)))
    return table.finish(table.add(block(pointers), compression))


@dataclass
class Entry:
    """What an index says of a tensor."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    more: bytes = b""

    def encoded(self) -> bytes:
        return (
            message((1, self.dtype), (2, shape_of(self.shape)), (3, self.shard), (4, self.offset), (5, self.size))
            + varint(6 << 3 | 5) + struct.pack("<I", self.checksum) + self.more
        )  # fmt: skip


@dataclass
class Bundle:
    """A checkpoint before it is written; change what should be wrong."""

    arrays: Arrays
    shards: int = 1
    header: bytes | None = None
    entries: dict[str, Entry] = field(default_factory=dict)
    data: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        parts: list[list[bytes]] = [[] for _ in range(self.shards)]
        for number, (name, values) in enumerate(sorted(self.arrays.items())):
            shard, raw = number % self.shards, values.tobytes()
            offset = sum(map(len, parts[shard]))
            dtype = TYPES[values.dtype]
            self.entries[name] = Entry(dtype, values.shape, shard, offset, len(raw), masked(raw))
            parts[shard].append(raw)
        self.data = [b"".join(part) for part in parts]

    def index(self, **options: object) -> bytes:
        header = message((1, self.shards), (3, message((1, 1)))) if self.header is None else self.header
        encoded = [(name.encode(), entry.encoded()) for name, entry in self.entries.items()]
        return sstable([(b"", header), *encoded], **options)  # type: ignore[arg-type]

    def write(self, prefix: Path, **options: object) -> Path:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        prefix.with_name(f"{prefix.name}.index").write_bytes(self.index(**options))
        for number, data in enumerate(self.data):
            prefix.with_name(f"{prefix.name}.data-{number:05d}-of-{self.shards:05d}").write_bytes(data)
        return prefix


# --- networks and archives ---


def zeros(num_classes: int) -> dict[str, NDArray[np.float32]]:
    """Weights of a network that finds nothing."""
    shapes = ssd_mobilenet_v2(num_classes).variables
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def tarball(path: Path, files: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    options = {"compresslevel": 1} if mode == "w:gz" else {}
    with tarfile.open(path, mode, **options) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def same_arrays(found: Arrays, expected: Arrays) -> None:
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].dtype == values.dtype, name
        assert found[name].shape == values.shape, name
        assert found[name].tobytes() == values.tobytes(), name
