"""Downloads: fresh, continued, and what goes wrong on the way."""

import random
from pathlib import Path

import pytest

from boxable.download import download
from boxable.errors import BoxableError, FetchError, HashError
from tests.file_server import FileServer, Resource
from tests.weights.conftest import sha256

BODY = random.Random(0).randbytes(200_000)
OTHER = random.Random(1).randbytes(len(BODY))
HALF = len(BODY) // 2

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "file.part"


def leave(part: Path, content: bytes) -> None:
    """As an earlier, interrupted download did."""
    part.parent.mkdir(parents=True)
    part.write_bytes(content)


def fetch(part: Path, *addresses: str) -> list[str]:
    errors = download(addresses, part, len(BODY), sha256(BODY))
    return [f"{address}: {error}" for address, error in errors.items()]


def test_a_fresh_download_asks_for_the_whole_file(server: FileServer, part: Path) -> None:
    assert fetch(part, server.put("file", Resource(BODY))) == []
    assert part.read_bytes() == BODY
    assert server.requests == [("file", None)]


@pytest.mark.parametrize("have", [1, HALF, len(BODY) - 1])
def test_an_interrupted_download_is_continued_where_it_stopped(server: FileServer, part: Path, have: int) -> None:
    leave(part, BODY[:have])
    assert fetch(part, server.put("file", Resource(BODY))) == []
    assert part.read_bytes() == BODY
    assert server.requests == [("file", f"bytes={have}-")]


def test_a_complete_file_needs_no_request(server: FileServer, part: Path) -> None:
    leave(part, BODY)
    assert fetch(part, server.put("file", Resource(BODY))) == []
    assert server.requests == []


def test_a_server_that_cannot_continue_sends_the_whole_file(server: FileServer, part: Path) -> None:
    leave(part, BODY[:HALF])
    assert fetch(part, server.put("file", Resource(BODY, ranges=False))) == []
    assert part.read_bytes() == BODY


@pytest.mark.parametrize(
    ("stale", "requests"),
    [
        (OTHER[:HALF], [("file", f"bytes={HALF}-"), ("file", None)]),
        (OTHER, [("file", None)]),
        (OTHER + b"more", [("file", None)]),
        (b"", [("file", None)]),
    ],
    ids=["half", "whole", "longer", "empty"],
)
def test_what_a_broken_download_left_does_not_spoil_the_next(
    server: FileServer, part: Path, stale: bytes, requests: list[tuple[str, str | None]]
) -> None:
    leave(part, stale)
    assert fetch(part, server.put("file", Resource(BODY))) == []
    assert part.read_bytes() == BODY
    assert server.requests == requests


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (Resource(OTHER), f"expected sha256 {sha256(BODY)}, got {sha256(OTHER)}"),
        (Resource(BODY + b"more"), f"expected {len(BODY)} bytes, got more"),
        (Resource(BODY[:-1]), f"expected {len(BODY)} bytes, got {len(BODY) - 1}"),
        (Resource(b"<html>sorry</html>"), f"expected {len(BODY)} bytes, got 18"),
        (Resource(b""), f"expected {len(BODY)} bytes, got 0"),
        (Resource(status=404), "the server answered 404 Not Found"),
        (Resource(status=500), "the server answered 500 Internal Server Error"),
    ],
    ids=["wrong hash", "too long", "too short", "a page", "empty", "404", "500"],
)
def test_a_bad_address_is_reported_and_the_next_one_tried(
    server: FileServer, part: Path, bad: Resource, problem: str
) -> None:
    first, second = server.put("bad", bad), server.put("good", Resource(BODY))
    assert fetch(part, first) == [f"{first}: {problem}"]
    assert fetch(part, first, second) == []
    assert part.read_bytes() == BODY


def test_every_bad_address_is_reported_in_order(server: FileServer, part: Path) -> None:
    wrong, gone = server.put("wrong", Resource(OTHER)), server.put("gone", Resource(status=410))
    problems = fetch(part, wrong, gone)
    assert [problem.partition(": ")[0] for problem in problems] == [wrong, gone]
    assert "sha256" in problems[0]
    assert "410" in problems[1]
    assert not part.exists()


def test_a_file_with_a_wrong_hash_is_not_kept(server: FileServer, part: Path) -> None:
    fetch(part, server.put("file", Resource(OTHER)))
    assert not part.exists()


def test_a_broken_connection_is_reported_and_the_next_call_continues(server: FileServer, part: Path) -> None:
    address = server.put("file", Resource(BODY, cut_after=HALF))
    (problem,) = fetch(part, address)
    assert problem.startswith(f"{address}: ")
    have = part.stat().st_size
    assert 0 < have <= HALF
    assert fetch(part, address) == []
    assert part.read_bytes() == BODY
    assert server.requests == [("file", None), ("file", f"bytes={have}-")]


def test_a_second_address_continues_what_the_first_began(server: FileServer, part: Path) -> None:
    first, second = server.put("first", Resource(BODY, cut_after=HALF)), server.put("second", Resource(BODY))
    assert fetch(part, first, second) == []
    assert part.read_bytes() == BODY
    name, wanted = server.requests[1]
    assert name == "second"
    assert wanted is not None


def test_redirects_are_followed(server: FileServer, part: Path) -> None:
    goal = server.put("file", Resource(BODY))
    assert fetch(part, server.put("old", Resource(status=302, location=goal))) == []
    assert part.read_bytes() == BODY


def test_a_server_that_compresses_for_who_accepts_it_still_gives_the_file(server: FileServer, part: Path) -> None:
    assert fetch(part, server.put("file", Resource(BODY, compressed=True))) == []
    assert part.read_bytes() == BODY


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x", "http://[", "nonsense", "ftp://127.0.0.1/x", ""])
def test_an_address_that_cannot_be_reached_is_reported(part: Path, address: str) -> None:
    (problem,) = fetch(part, address)
    assert problem.startswith(f"{address}: ")
    assert len(problem) > len(address) + 2


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    part = tmp_path / "file" / "part"
    with pytest.raises(BoxableError, match=r"^cannot write .*part"):
        fetch(part, server.put("file", Resource(BODY)))


def test_the_error_of_an_address_says_whether_another_attempt_may_succeed(server: FileServer, part: Path) -> None:
    addresses = [server.put(str(status), Resource(status=status)) for status in (404, 408, 429, 503)]
    errors = download([*addresses, "http://127.0.0.1:1/x"], part, len(BODY), sha256(BODY))
    assert [(error.status, error.retryable, error.connected) for error in errors.values()] == [
        (404, False, True), (408, True, True), (429, True, True), (503, True, True), (None, False, False),
    ]  # fmt: skip


def test_a_wrong_hash_is_an_error_with_both_hashes(server: FileServer, part: Path) -> None:
    (error,) = download([server.put("file", Resource(OTHER))], part, len(BODY), sha256(BODY)).values()
    assert isinstance(error, HashError)
    assert (error.expected, error.actual) == (sha256(BODY), sha256(OTHER))


def test_an_error_text_with_416_in_it_does_not_remove_the_part(server: FileServer, part: Path) -> None:
    """The text of the error has the received bytes, 104160, and the expected ones."""
    leave(part, BODY[:20_000])
    (error,) = download([server.put("file", Resource(BODY, cut_after=104_160))], part, 0, sha256(BODY)).values()
    assert "104160" in str(error)
    assert part.read_bytes() == BODY[: 20_000 + 104_160]
    assert server.requests == [("file", "bytes=20000-")]


def test_a_part_that_leaves_no_range_to_ask_for_is_fetched_anew(server: FileServer, part: Path) -> None:
    leave(part, OTHER + b"more")
    assert download([server.put("file", Resource(BODY))], part, 0, sha256(BODY)) == {}
    assert part.read_bytes() == BODY
    assert server.requests == [("file", f"bytes={len(OTHER) + 4}-"), ("file", None)]


@pytest.mark.parametrize(("etag", "resumed"), [('"abc"', True), ('W/"abc"', False), ("abc", False), (None, False)])
def test_without_a_hash_only_a_strong_validator_lets_a_download_be_resumed(
    server: FileServer, part: Path, etag: str | None, resumed: bool
) -> None:
    address = server.put("file", Resource(BODY, cut_after=HALF, etag=etag))
    assert isinstance(download([address], part, 0, "")[address], FetchError)
    have = part.stat().st_size
    assert download([address], part, 0, "") == {}
    assert part.read_bytes() == BODY
    assert server.requests == [("file", None), ("file", f"bytes={have}-" if resumed else None)]
    assert sorted(part.parent.iterdir()) == [part]


def test_another_version_of_the_file_is_not_appended_to_the_part(server: FileServer, part: Path) -> None:
    address = server.put("file", Resource(OTHER, cut_after=HALF, etag='"old"'))
    assert list(download([address], part, 0, "")) == [address]
    server.put("file", Resource(BODY, etag='"new"'))
    assert download([address], part, 0, "") == {}
    assert part.read_bytes() == BODY
