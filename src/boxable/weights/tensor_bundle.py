"""Read TensorFlow V2 checkpoints: an SSTable index and shards of raw tensors (SEMANTICS §12.1).

Checksums, offsets and shapes are verified before use. Arrays are views of the memory-mapped shards.
"""

import math
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import MissingExtraError, WeightsError
from boxable.hashing import masked_crc32c
from boxable.tf_messages import parse, sizes

MAGIC = 0xDB4775248B80FB57
FOOTER_SIZE = 48
MAX_INDEX_BYTES = 64 * 2**20  # that of a 601-class SSD has 14 KB
_TRAILER_SIZE = 5  # compression type, masked CRC32C
_RAW, _SNAPPY = 0, 1

# TensorFlow's DataType numbers of variables; others (strings, resources) are not weights.
DTYPES: dict[int, type[np.generic]] = {1: np.float32, 2: np.float64, 3: np.int32, 9: np.int64, 19: np.float16}


def read_bundle(prefix: Path) -> dict[str, NDArray[Any]]:
    """Read the variables of the checkpoint `<prefix>.index` with its `<prefix>.data-*`: name -> array.

    Raises WeightsError for a damaged, truncated or inconsistent file, naming it and the variable.
    """
    index = prefix.with_name(f"{prefix.name}.index")
    entries = dict(_entries(_read_index(index), str(index)))
    header = parse("BundleHeader", entries.pop(b"", b""), str(index))
    if header.endianness != 0:
        raise WeightsError(f"{index}: big-endian; expected a checkpoint written on a little-endian machine")
    if not 1 <= header.num_shards <= 9999:
        raise WeightsError(f"{index}: expected 1 to 9999 shards, got {header.num_shards} shards")
    shards: dict[int, memoryview] = {}
    arrays = {}
    taken = 0
    for key, value in entries.items():
        name = key.decode("utf-8", "replace")
        entry = parse("BundleEntry", value, f"{index}: {name}")
        if entry.dtype not in DTYPES:
            continue
        if entry.slices:
            raise WeightsError(f"{index}: {name} is a partitioned variable; save it in one piece")
        if not 0 <= entry.shard_id < header.num_shards:
            raise WeightsError(f"{index}: {name} is in shard {entry.shard_id}, expected less than {header.num_shards}")
        if entry.shard_id not in shards:
            shards[entry.shard_id] = _map_shard(prefix, entry.shard_id, header.num_shards)
        arrays[name] = _array(entry, shards[entry.shard_id], f"{index}: {name}")
        taken += entry.size
        if taken > sum(map(len, shards.values())):
            raise WeightsError(f"{index}: its variables are larger than its data files; some overlap")
    return arrays


def _array(entry: Any, shard: memoryview, name: str) -> NDArray[Any]:
    dtype = np.dtype(DTYPES[entry.dtype])
    shape = sizes(entry.shape, name)
    if math.prod(shape) * dtype.itemsize != entry.size:
        raise WeightsError(f"{name}: {entry.size} bytes for a tensor of shape {shape} and type {dtype}")
    if entry.offset < 0 or entry.offset + entry.size > len(shard):
        raise WeightsError(f"{name}: ends at byte {entry.offset + entry.size} of a data file of {len(shard)} bytes")
    data = shard[entry.offset : entry.offset + entry.size]
    if masked_crc32c(bytes(data)) != entry.crc32c:
        raise WeightsError(f"{name}: its checksum is wrong; the data file is damaged")
    return np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape)


def is_mapped(values: NDArray[Any]) -> bool:
    """Tell whether an array lies in a mapped file, as those of `read_bundle` do."""
    base = values.base
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap)


def _map_shard(prefix: Path, shard: int, shards: int) -> memoryview:
    path = prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")
    try:
        with path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError:
        raise WeightsError(f"{path}: missing; a checkpoint is its .index and all of its .data-* files") from None
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise WeightsError(f"{path}: cannot read it ({getattr(error, 'strerror', None) or error})") from None


def _read_index(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            raise WeightsError(f"{path}: more than {MAX_INDEX_BYTES // 2**20} MiB; not the index of a detector")
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it ({error.strerror or error})") from None


def _entries(table: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of every entry of an SSTable, in order."""
    if len(table) < FOOTER_SIZE or struct.unpack_from("<Q", table, len(table) - 8)[0] != MAGIC:
        raise WeightsError(f"{name}: truncated, or not the index of a TensorFlow V2 checkpoint")
    left = MAX_INDEX_BYTES  # against decompression bombs: repeated blocks, shared key prefixes
    try:
        footer = len(table) - FOOTER_SIZE
        _, position = _handle(table, footer)  # the meta index, empty in checkpoints
        index, _ = _handle(table, position)
        for _, value in _pairs(_block(table, index, name)):
            block = _block(table, _handle(value, 0)[0], name)
            left = _spend(left, len(block), name)
            for key, entry in _pairs(block):
                left = _spend(left, len(key) + len(entry), name)
                yield key, entry
    except (IndexError, struct.error, ValueError):
        raise WeightsError(f"{name}: damaged; its blocks are inconsistent") from None


def _spend(left: int, size: int, name: str) -> int:
    if size > left:
        raise WeightsError(f"{name}: unpacks to more than {MAX_INDEX_BYTES // 2**20} MiB; not the index of a detector")
    return left - size


def _block(table: bytes, handle: tuple[int, int], name: str) -> bytes:
    """Read a block, verify its checksum and decompress it."""
    offset, end = handle[0], sum(handle)
    if end + _TRAILER_SIZE > len(table) - FOOTER_SIZE:
        raise WeightsError(f"{name}: damaged; a block ends after the end of the file")
    compression, checksum = struct.unpack_from("<BI", table, end)
    if masked_crc32c(table[offset : end + 1]) != checksum:
        raise WeightsError(f"{name}: damaged; the checksum of a block is wrong")
    content = table[offset:end]
    if compression == _RAW:
        return content
    if compression == _SNAPPY:
        return _decompress_snappy(content, name)
    raise WeightsError(f"{name}: expected compression 0 (none) or 1 (Snappy), got {compression}")


def _decompress_snappy(content: bytes, name: str) -> bytes:
    size, _ = _varint(content, 0)
    if size > MAX_INDEX_BYTES:
        raise WeightsError(f"{name}: a block unpacks to {size} bytes; not the index of a detector")
    try:
        import cramjam
    except ImportError:
        raise MissingExtraError(f"{name}: reading a Snappy-compressed index", "boxable[snappy]") from None
    try:
        return bytes(cramjam.snappy.decompress_raw(content))
    except cramjam.DecompressionError:
        raise WeightsError(f"{name}: damaged; a block cannot be decompressed") from None


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a block; keys are prefix-compressed."""
    (restarts,) = struct.unpack_from("<I", block, len(block) - 4)
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise ValueError
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        unshared, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared > len(key) or position + unshared + length > end:
            raise ValueError
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        yield key, block[position : position + length]
        position += length


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Decode a block handle (offset, size); returns it and the position after it."""
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Decode a varint (base 128, little-endian); returns it and the position after it."""
    result = 0
    for shift in range(0, 64, 7):
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
    raise ValueError
