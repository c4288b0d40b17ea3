"""The cache of the published tables."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxable.errors import FetchError
from boxable.openimages.fetch import back_off, table_cache
from boxable.openimages.fetch.addresses import Published
from tests.openimages.official import Bucket, serving

CONTENT = b"/m/01yrx,Cat\n" * 500
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The official address, as far as the tables know."""
    with serving({"a/table.csv": CONTENT}) as server:
        monkeypatch.setenv("BOXABLE_HOME", str(tmp_path))
        monkeypatch.setenv("BOXABLE_OPENIMAGES", server.address)
        monkeypatch.setattr(table_cache, "OFFICIAL_TABLES", server.address)
        monkeypatch.setattr(back_off, "FIRST_DELAY_S", 0.002)
        yield server


def test_a_table_with_the_known_size_and_md5_comes_once(bucket: Bucket, tmp_path: Path) -> None:
    for _ in range(2):
        path = table_cache._fetched(Published("a/table.csv", len(CONTENT), MD5))
        assert path.read_bytes() == CONTENT
        assert path.is_relative_to(tmp_path / "openimages" / "official")
    assert bucket.asked["a/table.csv"] == 1


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (Published("a/table.csv", len(CONTENT), "0" * 32), f"expected md5 {'0' * 32}, got {MD5}"),
        (Published("a/table.csv", len(CONTENT) + 1, MD5), f"expected {len(CONTENT) + 1} bytes, got {len(CONTENT)}"),
        (Published("a/table.csv", 100, MD5), "expected 100 bytes, got more"),
    ],
    ids=["md5", "short", "long"],
)
def test_another_table_than_the_published_one_is_refused(known: Published, said: str, bucket: Bucket) -> None:
    with pytest.raises(FetchError, match=said):
        table_cache._fetched(known)
    assert not list(table_cache.cache_folder().rglob("*.csv"))


@pytest.mark.parametrize("md5", [MD5, ""])
@pytest.mark.parametrize("faults", [["503"], ["500", "cut", "429", "cut"], ["503"] * 5])
def test_a_table_outlives_the_faults_of_the_server(faults: list[str], md5: str, bucket: Bucket) -> None:
    bucket.fault = lambda path, count: faults[count - 1] if count <= len(faults) else None
    assert table_cache._fetched(Published("a/table.csv", len(CONTENT) if md5 else 0, md5)).read_bytes() == CONTENT
    assert bucket.asked["a/table.csv"] == len(faults) + 1
    assert not list(table_cache.cache_folder().rglob("*.part*"))


@pytest.mark.parametrize(("fault", "asked"), [("503", 6), ("404", 1)])
def test_a_table_that_does_not_come_is_asked_for_as_often_as_it_may_help(
    fault: str, asked: int, bucket: Bucket
) -> None:
    bucket.fault = lambda path, count: fault
    with pytest.raises(FetchError, match=f"the server answered {fault}.* run it again to go on"):
        table_cache._fetched(Published("a/table.csv"))
    assert bucket.asked["a/table.csv"] == asked


def test_a_table_that_gets_further_each_time_is_not_given_up(bucket: Bucket) -> None:
    bucket.fault = lambda path, count: "cut" if count < 10 else None  # half of what is left
    known = Published("a/table.csv", len(CONTENT), MD5)
    assert table_cache._fetched(known).read_bytes() == CONTENT
    assert bucket.asked["a/table.csv"] == 10
    assert bucket.ranges[:3] == [None, f"bytes={len(CONTENT) // 2}-", f"bytes={len(CONTENT) // 2 * 3 // 2}-"]


@pytest.mark.parametrize("etag", ["of the day", ""])
def test_a_table_that_changed_meanwhile_is_not_patched_together(etag: str, bucket: Bucket) -> None:
    newer = b"/m/01yrx,Dog\n" * 500
    if not etag:
        bucket.etag = lambda body: ""

    def fault(path: str, count: int) -> str | None:
        bucket.files["a/table.csv"] = CONTENT if count == 1 else newer
        return "cut" if count == 1 else None

    bucket.fault = fault
    assert table_cache._fetched(Published("a/table.csv")).read_bytes() == newer
    assert bucket.ranges == [None, f"bytes={len(CONTENT) // 2}-" if etag else None]


def test_a_table_without_a_length_is_whole_only_where_its_md5_is_known(bucket: Bucket) -> None:
    bucket.fault = lambda path, count: "no length"
    with pytest.raises(FetchError, match="the server does not tell the length"):
        table_cache._fetched(Published("a/table.csv"))
    assert not list(table_cache.cache_folder().rglob("*.csv"))
    assert table_cache._fetched(Published("a/table.csv", 0, MD5)).read_bytes() == CONTENT


def test_a_table_of_another_size_in_the_cache_is_fetched_again(bucket: Bucket) -> None:
    known = Published("a/table.csv", len(CONTENT), MD5)
    table_cache._fetched(known).write_bytes(b"cut")
    assert table_cache._fetched(known).read_bytes() == CONTENT


def test_another_address_has_tables_of_its_own(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    official = table_cache._fetched(Published("a/table.csv"))
    with serving({"a/table.csv": b"a slice"}) as other:
        monkeypatch.setenv("BOXABLE_OPENIMAGES", other.address)
        # What is known of the official file is not known of this one.
        assert table_cache._fetched(Published("a/table.csv", len(CONTENT), MD5)).read_bytes() == b"a slice"
    assert official.read_bytes() == CONTENT
