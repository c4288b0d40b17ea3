"""One request: what comes, and what goes wrong."""

import hashlib
import time
from collections.abc import Iterator

import pytest

from boxable.errors import FetchError, ImageError
from boxable.openimages.fetch import transport
from boxable.openimages.fetch.transport import Transport
from tests.openimages.official import Bucket, photo, serving

PHOTO = photo(1, (640, 480))


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving({"a/b.jpg": PHOTO, "a/with%20blank.jpg": PHOTO, "empty.jpg": b""}) as server:
        yield server


@pytest.mark.parametrize("path", ["b.jpg", "with%20blank.jpg"])
def test_a_file_comes_with_its_md5_from_below_the_base_and_from_a_whole_address(path: str, bucket: Bucket) -> None:
    for base, address in ((f"{bucket.address}/a", path), ("http://127.0.0.1:1", f"{bucket.address}/a/{path}")):
        answer = Transport(base).get(address)
        assert (answer.data, answer.md5) == (PHOTO, hashlib.md5(PHOTO).hexdigest())


@pytest.mark.parametrize(
    ("fault", "said", "status", "retryable"),
    [
        ("500", "the server answered 500", 500, True),
        ("503", "the server answered 503", 503, True),
        ("429", "the server answered 429", 429, True),
        ("408", "the server answered 408", 408, True),
        ("403", "the server answered 403", 403, False),
        ("404", "the server answered 404", 404, False),
        ("410", "the server answered 410", 410, False),
        ("no length", "the server does not tell the length of the file", None, False),
        ("cut", "the answer broke off", None, True),
        ("silent", "the server was silent for too long", None, True),
    ],
)
def test_an_error_has_the_status_and_whether_it_is_retryable(
    fault: str, said: str, status: int | None, retryable: bool, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "SILENCE_S", 0.3)
    bucket.fault = lambda path, count: fault
    with pytest.raises(FetchError) as caught:
        Transport(bucket.address).get("a/b.jpg")
    assert (str(caught.value), caught.value.status, caught.value.retryable) == (said, status, retryable)
    assert bucket.asked["a/b.jpg"] == 1


def test_a_slow_body_may_take_longer_than_the_silence_that_ends_it(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "SILENCE_S", 0.2)
    bucket.files["small.jpg"] = bytes(4000)
    bucket.fault = lambda path, count: "slow"  # 0.4 s
    start = time.monotonic()
    assert Transport(bucket.address).get("small.jpg").data == bytes(4000)
    assert time.monotonic() - start > 0.3


@pytest.mark.parametrize(("limit", "size"), [("_MOST_UNKNOWN_BYTES", None), ("_MOST_BYTES", len(PHOTO))])
def test_a_file_that_is_too_large_is_not_waited_for(
    limit: str, size: int | None, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, limit, len(PHOTO) - 1)
    with pytest.raises(
        FetchError, match=rf"^expected at most {len(PHOTO) - 1} bytes, the server announced {len(PHOTO)}$"
    ):
        Transport(bucket.address).get("a/b.jpg", size)


@pytest.mark.parametrize("size", [len(PHOTO) - 1, len(PHOTO) + 1])
def test_a_file_of_another_size_than_the_list_says_is_not_waited_for(size: int, bucket: Bucket) -> None:
    bucket.fault = lambda path, count: "silent"  # a body that never comes
    start = time.monotonic()
    with pytest.raises(ImageError, match=f"expected {size} bytes, the server announced {len(PHOTO)}"):
        Transport(bucket.address).get("a/b.jpg", size)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    "address",
    [
        "http://[bad/3.jpg",
        "http://a b/x.jpg",
        "http:///x.jpg",
        "http://127.0.0.1:99999/x.jpg",
        "http://127.0.0.1:1/a//b.jpg",
        "http://127.0.0.1:1/../b.jpg",
        "http://127.0.0.1:1/\x00",
        "http://127.0.0.1:1/\ud800",
        "http://\u2100/x.jpg",
        "http://127.0.0.1:1/" + "a" * 100_000,
        "http://127.0.0.1:1/" + "\U0001f600" * 10_000,
    ],
    ids=lambda address: ascii(address[:30]),
)
def test_what_is_no_address_is_said_once_and_for_all(address: str) -> None:
    with pytest.raises(FetchError) as caught:
        Transport("http://127.0.0.1:1").get(address)
    assert not caught.value.retryable
    assert len(str(caught.value)) < 400


def test_the_longest_address_that_is_asked_for_is_one_that_can_be(bucket: Bucket) -> None:
    with pytest.raises(FetchError, match="the server answered"):
        Transport(bucket.address).get("\U0001f600" * 3900)


def test_a_server_that_is_not_there_is_no_connection() -> None:
    with pytest.raises(FetchError, match=r"^no connection to the server$") as caught:
        Transport("http://127.0.0.1:1").get("a.jpg")
    assert (caught.value.status, caught.value.retryable) == (None, True)


def test_an_address_with_a_query_is_refused_before_it_is_asked_for(bucket: Bucket) -> None:
    with pytest.raises(FetchError, match="with a query"):
        Transport(bucket.address).get("a/b.jpg?size=o")
    assert not bucket.asked


@pytest.mark.parametrize(
    ("etag", "md5"),
    [
        ('"' + "0a" * 16 + '"', "0a" * 16),
        ('"' + "0a" * 16 + '-12"', None),  # uploaded in parts
        ('W/"' + "0a" * 16 + '"', None),
        ("0a" * 16, None),
        (None, None),
    ],
)
def test_an_etag_is_an_md5_only_where_it_looks_like_one(etag: str | None, md5: str | None) -> None:
    assert transport._plain_md5(etag) == md5
