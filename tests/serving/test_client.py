"""The client gives the Detections of the Detector, and tries again where that may help."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable import client as client_module
from boxable.client import AsyncClient, Client
from tests.conftest import EXAMPLES
from tests.serving.conftest import CHELSEA, Server

pytestmark = pytest.mark.serving
BAD = EXAMPLES / "README.md"


def same(found: boxable.Detections, expected: boxable.Detections) -> None:
    assert found.to_dict() == expected.to_dict()
    assert found.names.tolist() == expected.names.tolist()
    assert found.classes == expected.classes


def test_detections_are_those_of_the_detector(server: Server, detector: boxable.Detector) -> None:
    with Image.open(CHELSEA) as image:
        pixels, size = np.asarray(image.convert("RGB")), image.size
    with Client(server.address) as client:
        same(client.detect(CHELSEA), detector(CHELSEA))
        same(client.detect(pixels), detector(pixels))
        same(client.detect(CHELSEA.read_bytes(), classes=["Cat"], min_score=0.0, nms="hierarchy"),
             detector(CHELSEA.read_bytes(), classes=["Cat"], min_score=0.0, nms="hierarchy"))  # fmt: skip
        assert client.detect(CHELSEA).draw().size == size
        assert client.classes() == detector.classes


def test_coroutines_give_the_same(server: Server, detector: boxable.Detector) -> None:
    async def detect() -> list[boxable.Detections]:
        async with AsyncClient(server.address, model="ssd23") as client:
            return await asyncio.gather(*(client.detect(CHELSEA) for _ in range(4)))

    for found in asyncio.run(detect()):
        same(found, detector(CHELSEA))


def test_what_the_server_refuses_is_the_error_that_the_detector_raises(server: Server) -> None:
    with Client(server.address) as client:
        with pytest.raises(boxable.ImageError, match="image: "):
            client.detect(BAD)
        with pytest.raises(boxable.ArgumentError, match="Unicorn"):
            client.detect(CHELSEA, classes="Unicorn")
        with pytest.raises(boxable.ImageError, match="no-such-file"):
            client.detect("no-such-file.png")
    with Client(server.address, model="none") as client, pytest.raises(boxable.ArgumentError, match="no model 'none'"):
        client.detect(CHELSEA)


@contextmanager
def busy(times: int) -> Iterator[tuple[str, list[str]]]:
    """A server that is busy so many times, and the deadlines of the requests that it got."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            asked.append(self.headers["request-timeout"])
            record = {"source": "a", "image_id": "a", "width": 2, "height": 2, "detections": []}
            self.answer(*((503, {"detail": "the queue is full"}) if len(asked) <= times else (200, record)))

        def do_GET(self) -> None:
            self.answer(200, {"classes": [{"label_id": 1, "mid": "/m/1", "name": "a"}]})

        def answer(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("retry-after", "0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}", asked
        httpd.shutdown()


def test_a_busy_server_is_asked_again_and_not_for_ever() -> None:
    with busy(2) as (address, asked), Client(address) as client:
        assert len(client.detect(np.zeros((2, 2, 3), np.uint8))) == 0
        assert asked == ["60"] * 3
    with busy(99) as (address, asked), Client(address) as client:
        with pytest.raises(boxable.FetchError, match="the queue is full"):
            client.detect(np.zeros((2, 2, 3), np.uint8))
        assert len(asked) == 4


def test_classes_may_be_ids_names_or_one_of_them(server: Server, detector: boxable.Detector) -> None:
    with Client(server.address) as client:
        cat = detector.classes.find("Cat").label_id
        for classes in (cat, "Cat", [cat, "Dog"]):
            same(client.detect(CHELSEA, classes=classes), detector(CHELSEA, classes=classes))


def test_an_address_needs_its_scheme() -> None:
    with pytest.raises(boxable.ArgumentError, match=r"expected an address as .http://127\.0\.0\.1:8000., got"):
        Client("127.0.0.1:8000")


def test_a_server_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAUSE_S", 0.0)
    with Client("http://127.0.0.1:9") as client, pytest.raises(boxable.FetchError, match="does not answer"):
        client.detect(np.zeros((2, 2, 3), np.uint8))
