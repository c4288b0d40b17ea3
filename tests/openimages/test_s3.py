"""From an S3-compatible server: requests without a signature, ETags as S3 makes them."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from boxable.errors import FetchError
from boxable.openimages.fetch.fetch_folder import fetch_folder
from boxable.openimages.fetch.planning import planned
from boxable.openimages.fetch.request import Request
from boxable.openimages.fetch.transport import Transport
from tests.openimages.official import image_id, publish

COUNT = 12


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """A bucket with a slice of Open Images: its path-style address."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}/open-images-dataset"
    try:
        with httpx.Client() as client:
            client.put(address).raise_for_status()
            for path, data in publish(COUNT).items():
                client.put(f"{address}/{path}", content=data, headers={"x-amz-acl": "public-read"}).raise_for_status()
        yield address
    finally:
        server.stop()


def test_tables_and_images_come_from_a_bucket(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BOXABLE_OPENIMAGES", f"{store}/tables")
    monkeypatch.setenv("BOXABLE_OPENIMAGES_IMAGES", f"{store}/images")
    with planned(tmp_path / "data", Request("validation", classes="Dog,Car")) as plan:
        done = fetch_folder(tmp_path / "data", plan, threading.Event())
    assert (done.images, done.failures) == (6, [])
    published = publish(COUNT)
    for number in (0, 3, 5, 6, 9, 10):
        name = f"{image_id(number)}.jpg"
        assert (tmp_path / "data" / "images" / name).read_bytes() == published[f"images/validation/{name}"]


def test_an_etag_of_s3_is_the_md5_of_the_file(store: str) -> None:
    answer = Transport(store).get(f"images/validation/{image_id(0)}.jpg")
    assert answer.md5 == hashlib.md5(answer.data).hexdigest()


def test_a_key_that_is_not_there_is_final(store: str) -> None:  # S3 does not tell strangers whether there is one
    with pytest.raises(FetchError, match=r"the server answered 40[34]") as caught:
        Transport(store).get("images/validation/none.jpg")
    assert not caught.value.retryable
