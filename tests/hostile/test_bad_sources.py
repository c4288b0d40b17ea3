"""Names that lead nowhere, folders, devices and servers that misbehave."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from boxable import Detector
from boxable.errors import ImageError
from boxable.images import reading
from boxable.images.codecs import FORMAT_NAMES
from boxable.images.decode import Limits
from boxable.images.sources import Source
from tests.hostile.makers import PHOTO

Command = Callable[..., subprocess.CompletedProcess[bytes]]

posix = pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices that are files")


def errors(detector: Detector, *images: object) -> list[str | None]:
    return [found.error for found in detector.stream(list(images))]


def only_error(detector: Detector, image: object) -> str:
    (error,) = errors(detector, image)
    assert error is not None
    assert error.startswith(image.name if isinstance(image, Source) else str(image))
    return error


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with everything in it that can stand in the way."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "no-images").mkdir()
    (tmp_path / "no-images" / "notes.txt").write_text("no image")
    (tmp_path / "no-images" / ".hidden.jpg").write_bytes(PHOTO.read_bytes())
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "nowhere.jpg").symlink_to("gone.jpg")
    (tmp_path / "ring.jpg").symlink_to("ring.jpg")
    return tmp_path


def test_a_missing_file_is_named(place: Path, detector: Detector) -> None:
    for name, says in {
        "gone.jpg": "no such file", "nowhere.jpg": "a broken link, to gone.jpg", "gone/image.jpg": "no such file",
    }.items():  # fmt: skip
        assert only_error(detector, place / name) == f"{place / name}: {says}"
        with pytest.raises(ImageError, match=says):
            detector(place / name)


def test_names_that_no_file_can_have_are_named(place: Path, detector: Detector) -> None:
    for name in ("n" * 300, "a\0b", "ring.jpg", f"{PHOTO}/inside.jpg"):
        assert "cannot read it (" in only_error(detector, str(place / name))


def test_folders_without_images_are_named(place: Path, detector: Detector) -> None:
    for name in ("empty", "no-images", "folder.jpg"):
        assert ": no images in this folder; expected files that end in .jpg " in only_error(detector, place / name)


def test_a_folder_is_no_single_image(place: Path, detector: Detector) -> None:
    for name in ("empty", "folder.jpg"):
        with pytest.raises(ImageError, match=rf"{name}: expected one image, got a folder"):
            detector(place / name)


def test_a_pattern_that_matches_nothing_is_named(place: Path, detector: Detector) -> None:
    for pattern in ("*.png", "**/*.webp", "[!a-z]*.jpg", "folder.*", "[", "n" * 300 + "*"):
        assert only_error(detector, place / pattern) == f"{place / pattern}: no file matches this pattern"


def test_an_empty_name_is_not_the_current_folder(detector: Detector) -> None:
    assert errors(detector, "") == ["'': expected a path or a URL, got an empty name"]
    with pytest.raises(ImageError, match="an empty name"):
        detector("")


def test_a_folder_that_contains_itself_is_searched_once(place: Path, detector: Detector) -> None:
    (place / "empty" / "itself").symlink_to(place / "empty")
    (place / "empty" / "photo.png").symlink_to(PHOTO)
    assert errors(detector, place / "empty") == [None]


@posix
def test_pipes_and_devices_are_refused_at_once(place: Path, detector: Detector) -> None:
    os.mkfifo(place / "pipe.jpg")
    (place / "zero.jpg").symlink_to("/dev/zero")
    for name in (place / "pipe.jpg", place / "zero.jpg", "/dev/null", "/dev/zero"):
        assert only_error(detector, name) == f"{name}: expected a file, or - for standard input, got a pipe or a device"


@posix
def test_a_file_that_may_not_be_read_is_named(place: Path, detector: Detector) -> None:
    path = place / "secret.jpg"
    path.write_bytes(PHOTO.read_bytes())
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert only_error(detector, path) == f"{path}: cannot read it (Permission denied)"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails when it is read")
def test_a_file_that_fails_when_it_is_read_is_named(detector: Detector) -> None:
    assert only_error(detector, "/proc/self/mem") == "/proc/self/mem: cannot read it (Input/output error)"


@posix
def test_the_command_names_each_source_that_cannot_be_had_and_does_the_rest(
    place: Path, command: Command, ssd23_weights: Path
) -> None:
    os.mkfifo(place / "pipe.jpg")
    missing = [
        "gone.jpg", "nowhere.jpg", "ring.jpg", "n" * 300, "empty", "no-images", "folder.jpg", "*.png", "[", "''",
        "pipe.jpg", "/dev/null", "/dev/zero", f"{PHOTO}/inside.jpg", "ftp://example.invalid/a.jpg", "100%s.jpg",
    ]  # fmt: skip
    given = [name.replace("''", "") for name in missing]
    done = command("detect", "--model", "ssd23", PHOTO, *given, PHOTO, cwd=place, timeout=60)
    assert done.returncode == 1
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["source"] for record in records] == [str(PHOTO), *missing, str(PHOTO)]
    assert done.stderr.decode().splitlines() == [f"boxable: {record['error']}" for record in records[1:-1]]
    assert "error" not in records[0] | records[-1]


def test_standard_input_that_is_no_image_is_named(command: Command, ssd23_weights: Path) -> None:
    for data, says in (
        (b"", "expected an image, got an empty file"),
        (b"no image", f"expected an image ({FORMAT_NAMES}), got another kind of file"),
    ):
        done = command("detect", "-", "--model", "ssd23", input=data)
        assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
        assert done.stderr.decode().startswith(f"boxable: -: {says}")


@posix
def test_a_closed_standard_input_is_named(ssd23_weights: Path) -> None:
    line = f"{sys.executable} -m boxable detect - --model ssd23 <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"boxable: -: there is no standard input to read\n")


class Handler(BaseHTTPRequestHandler):
    """A server's moods, one an address."""

    def do_GET(self) -> None:
        answer = getattr(self, "answer_" + self.path.strip("/").partition("?")[0].replace("-", "_"), None)
        with suppress(ConnectionError):  # the client hangs up when it has had enough
            if answer is None:
                self.send_error(404)
            else:
                answer()

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def answer_photo(self) -> None:
        self.reply(PHOTO.read_bytes())

    def answer_moved(self) -> None:
        self.reply(b"", 302, Location="/photo")

    def answer_failing(self) -> None:
        self.send_error(500)

    def answer_text(self) -> None:
        self.reply(b"<html>not an image</html>")

    def answer_empty(self) -> None:
        self.reply(b"")

    def answer_ring(self) -> None:
        self.reply(b"", 302, Location="/ring")

    def answer_elsewhere(self) -> None:
        self.reply(b"", 302, Location="file:///etc/passwd")

    def answer_nowhere(self) -> None:
        self.reply(b"", 302, Location="http://[")

    def answer_cut(self) -> None:
        self.reply(PHOTO.read_bytes()[:1000], length=100_000)

    def answer_no_gzip(self) -> None:
        self.reply(b"not compressed", Content_Encoding="gzip")

    def answer_bomb(self) -> None:
        self.reply(gzip.compress(bytes(2**24)), Content_Encoding="gzip")

    def answer_nonsense(self) -> None:
        self.wfile.write(b"\0\1\2 what is HTTP?\r\n\r\n")

    def answer_silence(self) -> None:
        """Hangs up without a word."""

    def answer_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(2**16))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of a server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("BOXABLE_OFFLINE", raising=False)


ANSWERS = {
    "missing": "the server answered 404 Not Found",
    "failing": "the server answered 500 Internal Server Error",
    "text": f"expected an image ({FORMAT_NAMES}), got another kind of file",
    "empty": "expected an image, got an empty file",
    "ring": "cannot fetch it (Exceeded maximum allowed redirects.)",
    "elsewhere": "cannot fetch it (",
    "nowhere": "cannot fetch it (",
    "cut": "cannot fetch it (",
    "no-gzip": "cannot fetch it (",
    "nonsense": "cannot fetch it (",
    "silence": "cannot fetch it (",
}
ADDRESSES = [
    "http://",
    "http:///photo.jpg",
    "https://?",
    "http://[::1",
    "http://127.0.0.1:photo/",
    "http://127.0.0.1:1/photo.jpg",
    "https://127.0.0.1:1/photo.jpg",
    "HTTP://127.0.0.1:1/photo.jpg",
    "http://127.0.0.1:999999/",
    "http://" + "n" * 70 + ".invalid/",
    "http://a..invalid/",
    "http://xn--/",
    "http://☃☃☃/",
    "http://127.0.0.1:1/\N{NO-BREAK SPACE}\udcff",
]


def test_an_image_of_a_server_is_detected_in_also_when_it_has_moved(server: str, detector: Detector) -> None:
    for address in ("photo", "moved", "photo?a=b.jpg", "moved?a/b"):
        assert detector(f"{server}/{address}", min_score=0.5).names.tolist() == ["Cat"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_server_that_gives_no_image_is_named(answer: str, server: str, detector: Detector) -> None:
    error = only_error(detector, f"{server}/{answer}")
    assert error.startswith(f"{server}/{answer}: {ANSWERS[answer]}")
    assert error.isprintable()


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_an_address_that_leads_nowhere_is_named(address: str, detector: Detector) -> None:
    assert only_error(detector, address).startswith(
        (f"{address}: cannot fetch it (", f"{address}: expected the name of")
    )


def test_a_body_without_end_is_given_up(server: str, detector: Detector) -> None:
    for address in ("endless", "bomb"):
        source = Source.from_url(f"{server}/{address}", Limits(max_bytes=2**21))
        assert only_error(detector, source) == (f"{server}/{address}: more than 2 MiB; too large for an image")


def test_a_body_that_takes_too_long_is_given_up(
    server: str, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_WHOLE_TIMEOUT_S", 0.0)
    assert only_error(detector, f"{server}/endless") == f"{server}/endless: not complete after 0 seconds"


@pytest.mark.parametrize("proxy", ["nonsense", "socks5://127.0.0.1:1", "http://127.0.0.1:1", "ftp://127.0.0.1"])
def test_a_proxy_that_cannot_be_used_is_one_line(
    proxy: str, server: str, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    assert only_error(detector, f"{server}/photo").startswith(f"{server}/photo: cannot fetch it (")


def test_certificates_that_are_missing_are_one_line(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    assert "cannot fetch it (" in only_error(detector, "https://127.0.0.1:1/photo.jpg")


def test_offline_no_address_is_asked(server: str, detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_OFFLINE", "1")
    assert only_error(detector, f"{server}/photo") == (
        f"{server}/photo needs the network, and BOXABLE_OFFLINE forbids it; unset it, or use a local file"
    )


def test_the_command_names_each_address_and_does_the_rest(server: str, command: Command, ssd23_weights: Path) -> None:
    bad = [*(f"{server}/{answer}" for answer in ANSWERS), *ADDRESSES[:-1]]
    done = command("detect", "--model", "ssd23", f"{server}/photo", *bad, PHOTO, timeout=60)
    assert done.returncode == 1
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["source"] for record in records] == [f"{server}/photo", *bad, str(PHOTO)]
    assert done.stderr.decode().splitlines() == [f"boxable: {record['error']}" for record in records[1:-1]]
    assert "error" not in records[0] | records[-1]


def test_the_command_offline_names_the_address(command: Command, ssd23_weights: Path) -> None:
    done = command(
        "detect",
        "http://127.0.0.1:1/a.jpg",
        PHOTO,
        "--model",
        "ssd23",
        "--min-score",
        0.5,
        env={"BOXABLE_OFFLINE": "1"},
    )
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "boxable: http://127.0.0.1:1/a.jpg needs the network, and BOXABLE_OFFLINE forbids it; unset it, "
        "or use a local file\n"
    )
    assert done.stdout.count(b'"Cat"') == 1
