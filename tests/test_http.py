"""What can go wrong while an address is fetched."""

import pytest

from boxable.errors import BoxableError, FetchError
from boxable.http import fetching
from tests.file_server import FileServer, Resource

pytestmark = pytest.mark.usefixtures("home")


def test_the_body_is_read_within_the_block(server: FileServer) -> None:
    with fetching(server.put("file", Resource(b"body"))) as response:
        assert response.read() == b"body"


@pytest.mark.parametrize("error", [ValueError("mine"), OSError("mine"), ImportError("mine"), KeyError("mine")])
def test_exceptions_of_the_block_are_no_network_errors(server: FileServer, error: Exception) -> None:
    with pytest.raises(type(error), match="mine"), fetching(server.put("file", Resource(b"body"))):
        raise error


def test_a_body_that_breaks_off_is_a_transient_error(server: FileServer) -> None:
    address = server.put("file", Resource(b"body" * 1000, cut_after=100))
    with pytest.raises(FetchError, match="cannot fetch it") as caught, fetching(address) as response:
        response.read()
    assert (caught.value.retryable, caught.value.connected) == (True, True)


@pytest.mark.parametrize(
    ("status", "retryable"), [(404, False), (403, False), (408, True), (429, True), (500, True), (503, True)]
)
def test_an_error_of_the_server_tells_its_status(server: FileServer, status: int, retryable: bool) -> None:
    with pytest.raises(FetchError, match=str(status)) as caught, fetching(server.put("file", Resource(status=status))):
        pass
    assert (caught.value.status, caught.value.retryable) == (status, retryable)


def test_offline_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, server: FileServer) -> None:
    monkeypatch.setenv("BOXABLE_OFFLINE", "1")
    with pytest.raises(BoxableError, match="BOXABLE_OFFLINE"), fetching(server.put("file", Resource(b"body"))):
        pass
    assert server.requests == []
