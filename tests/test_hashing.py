"""Checksums."""

from pathlib import Path

import pytest

from boxable.errors import HashError
from boxable.hashing import check_hash, hash_of_file, sha256_of

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_hashes_of_files_and_bytes_are_hexadecimal(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256_of(b"") == hash_of_file(tmp_path / "empty") == EMPTY
    assert hash_of_file(tmp_path / "empty", "md5") == "d41d8cd98f00b204e9800998ecf8427e"


def test_another_hash_is_an_error_with_both() -> None:
    check_hash("aa", "aa")
    with pytest.raises(HashError, match=r"^expected md5 aa, got bb$") as caught:
        check_hash("aa", "bb", "md5")
    assert (caught.value.expected, caught.value.actual) == ("aa", "bb")
