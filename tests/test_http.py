"""Fetching over HTTP: which errors it raises."""

import pytest

import boxable
from boxable.errors import FetchError
from boxable.http import fetching
from tests.file_server import FileServer, Resource

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("error", [ValueError("mine"), OSError("mine"), ImportError("mine"), KeyError("mine")])
def test_an_error_of_the_block_is_raised_as_it_is(server: FileServer, error: Exception) -> None:
    with pytest.raises(type(error)) as caught, fetching(server.put("file", Resource(b"body"))):
        raise error
    assert caught.value is error


def test_a_body_that_breaks_off_is_a_retryable_error(server: FileServer) -> None:
    address = server.put("file", Resource(bytes(1000), cut_after=10))
    with pytest.raises(FetchError, match="cannot fetch it") as caught, fetching(address) as response:
        response.read()
    assert (caught.value.status, caught.value.retryable, caught.value.connected) == (None, True, True)


@pytest.mark.parametrize("address", ["http://[", "nonsense", "ftp://127.0.0.1/x"])
def test_an_invalid_address_is_an_error_that_no_retry_mends(address: str) -> None:
    with pytest.raises(FetchError) as caught, fetching(address):
        pass
    assert not caught.value.retryable


def test_a_server_is_told_what_asks_and_nothing_of_the_machine(server: FileServer) -> None:
    with fetching(server.put("file", Resource(b"body")), headers={"Range": "bytes=0-"}) as response:
        asked = response.request.headers
    assert asked["User-Agent"] == f"boxable/{boxable.__version__} (object detection in images)"
    assert asked["Range"] == "bytes=0-"
