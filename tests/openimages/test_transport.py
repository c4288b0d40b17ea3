"""One request: what comes, and what goes wrong."""

import hashlib
from collections.abc import Iterator

import pytest

from boxable.openimages.fetch import transport
from boxable.openimages.fetch.transport import NotFetchedError, Transport
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
    ("fault", "said", "final"),
    [
        ("500", "the server answered 500", False),
        ("503", "the server answered 503", False),
        ("429", "the server answered 429", False),
        ("408", "the server answered 408", False),
        ("403", "the server answered 403", True),
        ("404", "the server answered 404", True),
        ("410", "the server answered 410", True),
        ("cut", "the answer broke off", False),
        ("silent", "the server was silent for too long", False),
    ],
)
def test_what_goes_wrong_is_said_and_whether_to_try_again(
    fault: str, said: str, final: bool, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT_S", 0.3)
    bucket.fault = lambda path, count: fault
    with pytest.raises(NotFetchedError) as caught:
        Transport(bucket.address).get("a/b.jpg")
    assert (str(caught.value), caught.value.final) == (said, final)
    assert bucket.asked["a/b.jpg"] == 1


def test_a_file_that_is_too_large_is_not_waited_for(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_MOST_BYTES", len(PHOTO) - 1)
    with pytest.raises(NotFetchedError, match=rf"^the server announced {len(PHOTO)} bytes; at most {len(PHOTO) - 1}$"):
        Transport(bucket.address).get("a/b.jpg")


def test_a_server_that_is_not_there_is_no_connection() -> None:
    with pytest.raises(NotFetchedError, match=r"^no connection to the server$"):
        Transport("http://127.0.0.1:1").get("a.jpg")


def test_an_address_with_a_query_is_refused_before_it_is_asked_for(bucket: Bucket) -> None:
    with pytest.raises(NotFetchedError, match="with a query"):
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
