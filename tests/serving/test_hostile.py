"""Requests that try to cost the server something: an error for each, and the server goes on."""

import base64
import gzip
import json
import re
import socket
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from tests.serving.conftest import CHELSEA, Server

pytestmark = pytest.mark.serving
IMAGE = CHELSEA.read_bytes()


def request(body: bytes = b"", path: str = "/v1/detect", *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


def png(width: int, height: int, pixels: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


JSON = "Content-Type: application/json"
PREDICT, INFER = "/v1/models/ssd23:predict", "/v2/models/ssd23/infer"


def tensor(**changes: object) -> bytes:
    plain = {"name": "images", "shape": [1, 1, 1, 3], "datatype": "FP32", "data": [0, 0, 0]}
    return json.dumps({"inputs": [plain | changes]}).encode()


HOSTILE = {
    "empty": request(),
    "text": request(b"hello"),
    "half an image": request(IMAGE[: len(IMAGE) // 2]),
    "bomb: many pixels": request(png(60_000, 60_000)),
    "bomb: pixels behind a limit": request(png(10_000, 10_000, bytes(10_000 * 30_001))),
    "size of zero": request(png(0, 0)),
    "GIF without a frame": request(b"GIF89a" + bytes(20)),
    "SVG with an entity": request(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'),
    "too long, and says so": request(b"x", "/v1/detect", f"Content-Length: {10**12}"),
    "negative length": request(b"x", "/v1/detect", "Content-Length: -1"),
    "length that is no number": request(b"x", "/v1/detect", "Content-Length: many"),
    "two lengths": request(b"x", "/v1/detect", "Content-Length: 1", "Content-Length: 2"),
    "length and chunks": request(b"0\r\n\r\n", "/v1/detect", "Content-Length: 5", "Transfer-Encoding: chunked"),
    "bad chunk": request(b"zz\r\nabc\r\n", "/v1/detect", "Transfer-Encoding: chunked"),
    "huge header": request(b"x", "/v1/detect", "X-Long: " + "a" * 2**20),
    "many headers": request(b"x", "/v1/detect", *(f"X-{n}: {n}" for n in range(5000))),
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "no path": b"GET\r\n\r\n",
    "unknown method": request(method="BREW"),
    "wrong method": request(method="DELETE"),
    "traversal": request(path="/../../etc/passwd", method="GET"),
    "encoded traversal": request(path="/assets/%2e%2e/%2e%2e/options.py", method="GET"),
    "traversal in assets": request(path="/assets/../options.py", method="GET"),
    "traversal in a model": request(IMAGE, "/v1/detect?model=../../etc/passwd"),
    "a file as a model": request(IMAGE, "/v1/detect?model=/etc/passwd"),
    "traversal in a TensorFlow model": request(b"{}", "/v1/models/../../etc:predict"),
    "null in a model": request(IMAGE, "/v1/detect?model=%00"),
    "long selection": request(IMAGE, "/v1/detect?classes=" + "Cat," * 5000),
    "selection of brackets": request(IMAGE, "/v1/detect?classes=" + "(" * 5000),
    "score NaN": request(IMAGE, "/v1/detect?min_score=nan"),
    "score of words": request(IMAGE, "/v1/detect?min_score=high"),
    "unknown parameter": request(IMAGE, "/v1/detect?score=0.5"),
    "huge count": request(IMAGE, "/v1/detect?max_detections=99999999999999999999"),
    "deep JSON": request(b"[" * 10**6, "/v1/detect", JSON),
    "deep objects": request(b'{"a":' * 10**5, PREDICT),
    "no JSON": request(b"{", "/v1/detect", JSON),
    "JSON in UTF-16": request('{"image": "x"}'.encode("utf-16"), "/v1/detect", JSON),
    "JSON of a number": request(b"1", "/v1/detect", JSON),
    "huge number": request(b'{"inputs": 1' + b"0" * 10_000 + b"}", PREDICT),
    "surrogates": request(b'{"image": "\\ud800"}', "/v1/detect", JSON),
    "JSON with parameters": request(b'{"image": "eA==", "min_score": 0.9}', "/v1/detect", JSON),
    "JSON of empty lists": request(b"[" + b"[]," * 6_000_000 + b"[]]", PREDICT),
    "JSON that is not called so": request(b'{"image": "eA=="}', "/v1/detect", "Content-Type: text/plain"),
    "parameter twice": request(IMAGE, "/v1/detect?min_score=0.5&min_score=0.6"),
    "form with a parameter": request(
        b'--a\r\nContent-Disposition: form-data; name="i"; filename="i"\r\n\r\nx\r\n'
        b'--a\r\nContent-Disposition: form-data; name="min_score"\r\n\r\n0.9\r\n--a--',
        "/v1/detect", "Content-Type: multipart/form-data; boundary=a",
    ),
    "tensor of digits": request(b'{"inputs": [[[["0.1", "0.2", "0.3"]]]]}', PREDICT),
    "tensor of booleans": request(b'{"inputs": [[[[true, false, true]]]]}', PREDICT),
    "image without a shape": request(
        json.dumps({"inputs": [{"name": "image", "datatype": "BYTES", "data": ["eA=="]}]}).encode(), INFER
    ),
    "binary that nobody claims": request(tensor() + b"xx", INFER, f"Inference-Header-Content-Length: {len(tensor())}"),
    "texts of many lengths": request(json.dumps({"inputs": ["a" * 50_000, *[""] * 50_000]}).encode(), PREDICT),
    "gzip of many members": request(gzip.compress(b"") * 100_000, INFER, "Content-Encoding: gzip"),
    "a parameter very often": request(IMAGE, "/v1/detect?" + "a&" * 10_000 + "a"),
    "no base64": request(b'{"image": "*"}', "/v1/detect", JSON),
    "base64 of a bomb": request(
        json.dumps({"image": base64.b64encode(png(60_000, 60_000)).decode()}).encode(), "/v1/detect", JSON
    ),
    "a url that is not allowed": request(b'{"url": "http://127.0.0.1/"}', "/v1/detect", JSON),
    "form without an end": request(b"--a\r\n", "/v1/detect", "Content-Type: multipart/form-data; boundary=a"),
    "form without a boundary": request(b"--a\r\n", "/v1/detect", "Content-Type: multipart/form-data"),
    "form of many parts": request(
        b'--a\r\nContent-Disposition: form-data; name="i"; filename="i"\r\n\r\nx\r\n' * 5000 + b"--a--",
        "/v1/detect", "Content-Type: multipart/form-data; boundary=a",
    ),
    "form with a long boundary": request(
        b"x", "/v1/detect", f"Content-Type: multipart/form-data; boundary={'b' * 9999}",
    ),
    "tensor NaN": request(b'{"inputs": [[[[NaN, 0, 0]]]]}', PREDICT),
    "tensor of strings": request(b'{"inputs": [[[["a", "b", "c"]]]]}', PREDICT),
    "tensor of base64": request(b'{"inputs": {"b64": "AAAA"}}', PREDICT),
    "array for base64": request(b'{"inputs": [[[[0]]]], "signature_name": "image_bytes"}', PREDICT),
    "ragged tensor": request(b'{"inputs": [[[[0, 0, 0], [0]]]]}', PREDICT),
    "empty tensor": request(b'{"inputs": []}', PREDICT),
    "tensor of objects": request(b'{"inputs": [{"a": {}}]}', PREDICT),
    "signature of a list": request(b'{"inputs": [], "signature_name": [1]}', PREDICT),
    "shape of many sides": request(tensor(shape=[1] * 50_000), INFER),
    "name of a list": request(tensor(name=[]), INFER),
    "outputs of one number": request(tensor().replace(b'{"inputs"', b'{"outputs": 5, "inputs"'), INFER),
    "the same output often": request(
        tensor().replace(b'{"inputs"', b'{"outputs": [' + b'{"name": "detection_scores"},' * 999 + b'{}], "inputs"'),
        INFER,
    ),
    "header length of another digit": request(b"{}", INFER, "Inference-Header-Content-Length: \xb2"),
    "header length of many digits": request(b"{}", INFER, "Inference-Header-Content-Length: " + "9" * 5000),
    "shape of the universe": request(tensor(shape=[1, 2**31 - 1, 2**31 - 1, 3]), INFER),
    "shape that overflows": request(tensor(shape=[1, 10**400, 1, 3]), INFER),
    "shape of booleans": request(tensor(shape=[True, True, True, 3], data="x"), INFER),
    "binary that is not there": request(tensor(parameters={"binary_data_size": 10**12}), INFER),
    "binary size of text": request(tensor(parameters={"binary_data_size": "12"}), INFER),
    "header length beyond": request(b"{}", INFER, "Inference-Header-Content-Length: 99999999999"),
    "header length negative": request(b"{}", INFER, "Inference-Header-Content-Length: -5"),
    "BYTES with a long length": request(
        tensor(name="image", datatype="BYTES", shape=[1], data=None, parameters={"binary_data_size": 4}) + b"\xff" * 4,
        INFER,
    ),
    "gzip bomb": request(zlib.compress(bytes(2**27), 9, 31) * 1, INFER, "Content-Encoding: gzip"),
    "gzip that is none": request(b"abc", INFER, "Content-Encoding: gzip"),
    "unknown compression": request(b"abc", INFER, "Content-Encoding: br"),
    "outputs of numbers": request(tensor().replace(b'{"inputs"', b'{"outputs": [1], "inputs"'), INFER),
    "timeout of words": request(IMAGE, "/v1/detect", "Request-Timeout: later"),
    "timeout infinite": request(IMAGE, "/v1/detect", "Request-Timeout: inf"),
    "request id with a line": request(b"x", "/v1/detect", "X-Request-ID: a\x0bb"),
}  # fmt: skip


# They promise a body that never comes: the server waits for it until the deadline of a request.
WITHOUT_ANSWER: set[str] = set()


def answer_to(server: Server, data: bytes) -> int | None:
    """Send bytes; return the status of the answer, None if the server closed the connection without one."""
    host, port = re.fullmatch(r"http://(.*):(\d+)", server.address).groups()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        answer = b""
        with suppress(OSError):  # it may have seen enough
            connection.sendall(data)
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                answer += part
    if not answer:
        return None
    assert b"Traceback" not in answer
    assert str(Path(__file__).parent.parent).encode() not in answer
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_refused(server: Server, name: str) -> None:
    status = answer_to(server, HOSTILE[name])
    assert status is None if name in WITHOUT_ANSWER else 400 <= (status or 0) < 500
    assert server.process.poll() is None


def test_the_server_is_as_good_as_before(server: Server) -> None:
    descriptors = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
    for data in HOSTILE.values():
        answer_to(server, data)
    assert len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) <= descriptors + 2
    assert server.client.post("/v1/detect", content=IMAGE).status_code == 200
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server.process.pid}/status").read_text())
    assert int(peak[1]) < 2_000_000
    assert "Traceback" not in server.log.read_text()


def test_slow_and_endless_bodies_end_at_the_deadline(server: Server) -> None:
    head = request(b"", "/v1/detect", "Content-Length: 1000000", "Request-Timeout: 0.5")
    host, port = re.fullmatch(r"http://(.*):(\d+)", server.address).groups()
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head + b"x")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")
    endless = request(b"", "/v1/detect", "Transfer-Encoding: chunked")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(endless)
        assert sent_until_refused(connection, b"100000\r\n" + bytes(2**20) + b"\r\n", most=100) < 60


def sent_until_refused(connection: socket.socket, part: bytes, most: int) -> int:
    for number in range(most):
        try:
            connection.sendall(part)
        except ConnectionError:
            return number
    return most
