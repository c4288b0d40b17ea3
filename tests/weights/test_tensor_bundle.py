"""TensorFlow V2 checkpoints: what is read, and every way in which one can be wrong."""

import dataclasses
import struct
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boxable.errors import MissingExtraError, WeightsError
from boxable.hashing import masked_crc32c
from boxable.weights.tensor_bundle import MAX_INDEX_BYTES, read_bundle
from tests.weights.tensorflow_writer import (
    STRING,
    Bundle,
    Entry,
    Table,
    block,
    message,
    same_arrays,
    sstable,
    varint,
)

RNG = np.random.default_rng(5)
ARRAYS = {
    **{f"layer_{number}/weights": RNG.random((3, number + 1, 2)).astype(np.float32) for number in range(9)},
    "half": RNG.random(7).astype(np.float16),
    "double": RNG.random((2, 2)),
    "global_step": np.array(2**40, np.int64),
    "number": np.arange(6, dtype=np.int32),
    "nothing": np.zeros((0, 4), np.float32),
}


def changed(name: str, **values: object) -> Bundle:
    """A checkpoint whose index says something else of one tensor."""
    bundle = Bundle(ARRAYS)
    bundle.entries[name] = dataclasses.replace(bundle.entries[name], **values)  # type: ignore[arg-type]
    return bundle


def refused(bundle: Bundle, folder: Path, **options: object) -> str:
    prefix = bundle.write(folder / "model.ckpt", **options)
    with pytest.raises(WeightsError) as error:
        read_bundle(prefix)
    message = str(error.value)
    assert "model.ckpt." in message
    assert "\n" not in message
    return message


def refused_index(index: bytes, folder: Path) -> str:
    (folder / "model.ckpt.index").write_bytes(index)
    with pytest.raises(WeightsError) as error:
        read_bundle(folder / "model.ckpt")
    assert str(error.value).startswith(str(folder / "model.ckpt.index: "))
    return str(error.value)


@pytest.mark.parametrize("shards", [1, 2, 5])
@pytest.mark.parametrize("per_block", [1, 4, 100])
def test_every_array_comes_as_it_was_written(tmp_path: Path, shards: int, per_block: int) -> None:
    prefix = Bundle(ARRAYS, shards).write(tmp_path / "model.ckpt-20000", per_block=per_block)
    same_arrays(read_bundle(prefix), ARRAYS)


def test_the_checksum_is_tensorflows() -> None:
    # CRC32C of "123456789" is 0xe3069283 (RFC 3720 has others of this kind); rotated and shifted.
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def test_an_index_compressed_with_snappy_is_read(tmp_path: Path) -> None:
    same_arrays(read_bundle(Bundle(ARRAYS).write(tmp_path / "model.ckpt", compression=1)), ARRAYS)


def test_without_the_library_a_compressed_index_is_refused_and_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = Bundle(ARRAYS).write(tmp_path / "model.ckpt", compression=1)
    monkeypatch.setitem(sys.modules, "cramjam", None)
    with pytest.raises(MissingExtraError, match=r"model\.ckpt\.index.*Snappy.*pip install 'boxable\[snappy\]'"):
        read_bundle(prefix)


def test_a_type_that_holds_no_weights_is_left_out(tmp_path: Path) -> None:
    for dtype in (STRING, 99):
        found = read_bundle(changed("double", dtype=dtype).write(tmp_path / "model.ckpt"))
        assert set(found) == set(ARRAYS) - {"double"}


@pytest.mark.parametrize("keep", [0, 1, 40, 47, 48, 100, -1, -8, -49])
def test_a_cut_index_is_refused(tmp_path: Path, keep: int) -> None:
    refused_index(Bundle(ARRAYS).index()[:keep], tmp_path)


def test_a_cut_front_of_an_index_is_refused(tmp_path: Path) -> None:
    for cut in (1, 60, 300):
        refused_index(Bundle(ARRAYS).index()[cut:], tmp_path)


@pytest.mark.parametrize("content", [b"", b"\0", b"junk" * 100, bytes(48), bytes(40) + Bundle({}).index()[-8:]])
def test_what_is_no_index_is_refused(tmp_path: Path, content: bytes) -> None:
    refused_index(content, tmp_path)


def test_the_checksum_of_every_block_is_verified(tmp_path: Path) -> None:
    assert "the checksum of a block is wrong" in refused(Bundle(ARRAYS), tmp_path, wrong_checksum=True)
    index = Bundle(ARRAYS).index()
    for position in range(0, len(index) - 70, 37):  # of the empty meta index nothing is read
        wrong = index[:position] + bytes([index[position] ^ 0x10]) + index[position + 1 :]
        assert "the checksum of a block is wrong" in refused_index(wrong, tmp_path)


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    assert "expected compression 0 (none) or 1 (Snappy), got 4" in refused(Bundle(ARRAYS), tmp_path, compression=4)


def test_a_snappy_block_that_is_none_is_refused(tmp_path: Path) -> None:
    for data in (b"\x20\xff\xff\xff", b"", varint(10) + b"\0", varint(2**31)):
        table = Table()
        stored = data + b"\x01"
        handle = varint(0) + varint(len(data))
        table.content = stored + struct.pack("<I", masked_crc32c(stored))
        refused_index(table.finish(handle), tmp_path)


def test_blocks_that_are_nonsense_behind_a_right_checksum_are_refused(tmp_path: Path) -> None:
    for data in (
        b"", b"\0\0\0", struct.pack("<I", 2**31), b"\x05\x01\x01a" + struct.pack("<II", 0, 1),
        b"\0\xff\xff\x7f\x01a" + struct.pack("<II", 0, 1), b"\xff" * 12 + struct.pack("<II", 0, 1),
        block([(b"", b"")]), block([(b"", varint(2**62) + varint(9))]), block([(b"", varint(0) + varint(2**62))]),
    ):  # fmt: skip
        table = Table()
        refused_index(table.finish(table.add(data)), tmp_path)


def test_an_index_without_header_is_refused(tmp_path: Path) -> None:
    assert "0 shards" in refused_index(sstable([]), tmp_path)
    assert "0 shards" in refused_index(sstable([(b"a", b"")]), tmp_path)


@pytest.mark.parametrize("shards", [0, -1, 10_000, 2**31 - 1])
def test_an_absurd_number_of_shards_is_refused(tmp_path: Path, shards: int) -> None:
    assert f"{shards} shards" in refused(dataclasses.replace(Bundle(ARRAYS), header=message((1, shards))), tmp_path)


def test_a_big_endian_checkpoint_is_refused(tmp_path: Path) -> None:
    bundle = dataclasses.replace(Bundle(ARRAYS), header=message((1, 1), (2, 1)))
    assert "big-endian" in refused(bundle, tmp_path)


def test_a_header_or_entry_that_is_no_message_is_refused(tmp_path: Path) -> None:
    assert "damaged" in refused(dataclasses.replace(Bundle(ARRAYS), header=b"\xff\xff"), tmp_path)
    assert "half: damaged" in refused(changed("half", more=b"\x0a\xff"), tmp_path)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"checksum": 1}, "half: its checksum is wrong"),
        ({"offset": 10**6}, "half: ends at byte 1000014 of a data file of"),
        ({"offset": -8}, "half: ends at byte"),
        ({"offset": 2**63 - 1}, "half: ends at byte"),
        ({"size": 12}, "half: 12 bytes for a tensor of shape [7] and type float16"),
        ({"size": -14}, "half: -14 bytes"),
        ({"shape": (8,)}, "half: 14 bytes for a tensor of shape [8]"),
        ({"shape": (-7,)}, "half: [-7] is not a valid shape of a tensor"),
        ({"shape": (-7, -1)}, "half: [-7, -1] is not a valid shape"),
        ({"shape": (2**40, 2**40)}, "half: 14 bytes"),
        ({"shape": (5 * 10**9,), "size": 10**10}, "half: ends at byte"),
        ({"shard": 1}, "half is in shard 1, expected less than 1"),
        ({"shard": -1}, "half is in shard -1, expected"),
        ({"more": message((7, b"\x0a\x00"))}, "half is a partitioned variable"),
    ],
)
def test_an_entry_that_is_wrong_is_refused_by_name(tmp_path: Path, values: dict[str, object], text: str) -> None:
    assert text in refused(changed("half", **values), tmp_path)


def test_a_shape_that_numpy_cannot_have_is_refused(tmp_path: Path) -> None:
    empty = masked_crc32c(b"")
    for shape in ((7, *[1] * 100), (7, *[1] * 100_000)):
        assert "half: " in refused(changed("half", shape=shape), tmp_path)
    for shape in ((0, 2**62, 2**62), (2**63 - 1, 0), (0, *[2**62] * 20_000)):
        assert "nothing: " in refused(changed("nothing", shape=shape, size=0, checksum=empty), tmp_path)


def test_damaged_data_is_found_by_the_checksum(tmp_path: Path) -> None:
    bundle = Bundle(ARRAYS)
    data = bytearray(bundle.data[0])
    data[bundle.entries["layer_3/weights"].offset + 5] ^= 1
    bundle.data = [bytes(data)]
    assert "layer_3/weights: its checksum is wrong; the data file is damaged" in refused(bundle, tmp_path)


def test_a_shard_that_is_missing_empty_or_cut_is_refused_by_name(tmp_path: Path) -> None:
    prefix = Bundle(ARRAYS, 3).write(tmp_path / "model.ckpt")
    shard = tmp_path / "model.ckpt.data-00001-of-00003"
    content = shard.read_bytes()
    for data, text in ((content[:-1], "ends at byte"), (b"", "cannot read it"), (None, "missing")):
        shard.unlink()
        if data is not None:
            shard.write_bytes(data)
        else:
            shard.unlink(missing_ok=True)
        with pytest.raises(WeightsError, match=text):
            read_bundle(prefix)
        shard.touch()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"model\.ckpt\.index: no such file"):
        read_bundle(tmp_path / "model.ckpt")
    (tmp_path / "model.ckpt.index").mkdir()
    with pytest.raises(WeightsError, match=r"model\.ckpt\.index: cannot read it"):
        read_bundle(tmp_path / "model.ckpt")


def test_an_index_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "model.ckpt.index").open("wb") as file:
        file.truncate(MAX_INDEX_BYTES + 1)
    with pytest.raises(WeightsError, match="not the index of a detector"):
        read_bundle(tmp_path / "model.ckpt")


def peak(work: Callable[[], object]) -> int:
    """Bytes that Python held at most meanwhile."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_keys_that_share_a_long_prefix_do_not_fill_the_memory(tmp_path: Path) -> None:
    # 8 bytes an entry, 1 MB a key.
    count = 2_000
    entries = varint(0) + varint(2**20) + varint(0) + b"a" * 2**20
    entries += (varint(2**20 - 4) + varint(4) + varint(0) + b"bcde") * count
    table = Table()
    pointer = block([(b"b", table.add(entries + struct.pack("<II", 0, 1)))])
    index = table.finish(table.add(pointer))
    # Only so many before it stops.
    assert peak(lambda: refused_index(index, tmp_path)) < 3 * MAX_INDEX_BYTES


def test_a_block_named_over_and_over_is_not_read_for_ever(tmp_path: Path) -> None:
    table = Table()
    big = table.add(struct.pack("<I", 0) * 2**18 + struct.pack("<I", 2**18))  # 1 MiB, and no entry in it
    pointers = table.add(block([(str(number).encode(), big) for number in range(10_000)]))
    refused_index(table.finish(pointers), tmp_path)


def test_entries_compare_to_what_the_writer_meant() -> None:
    bundle = Bundle({"a": np.arange(3, dtype=np.float32)})
    assert bundle.entries["a"] == Entry(1, (3,), 0, 0, 12, masked_crc32c(bundle.data[0]))
