"""The service beside the detector in it: throughput, latency when idle, and overload. On loopback, bounded in time.

    .venv-serve/bin/python benchmarks/serving.py --out serving.json

- Throughput: eight connections that always wait for an answer, and three with forms of eight images, beside
  `detector.stream` of the same images, in turn.
- Idle: one request at a time on a connection that stays open, beside calls of the detector, ten of each in turn.
- Overload: requests at four times the throughput, each on a connection of its own, whatever was answered before.
"""

import asyncio
import io
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
from measure import arguments, figure, machine, report
from PIL import Image

import boxable

PHOTO = Path(__file__).parent.parent / "examples" / "chelsea.png"
MODEL, CONNECTIONS, SECONDS, QUEUE = "ssd23", 8, 4.0, 32
FORMS, FILES = 3, 8  # connections with forms, and images of each: the queue has room for all
CALLS, PAUSE_S, LOAD = 10, 0.3, 4


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and seconds of an answer; status 0: none."""

    status: int
    seconds: float


def jpeg() -> bytes:
    with Image.open(PHOTO) as image:
        file = io.BytesIO()
        image.convert("RGB").save(file, "JPEG", quality=90)
    return file.getvalue()


@contextmanager
def serving(*options: str) -> Iterator[tuple[int, int]]:
    """Run a server; yields its port and process id."""
    command = [sys.executable, "-m", "boxable", "serve", "--models", MODEL, "--port", "0", *options]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
        try:
            while not (match := re.search(r"http://[^:]+:(\d+)", _text(log))):
                if process.poll() is not None:
                    raise SystemExit(_text(log))
                time.sleep(0.05)
            port = int(match[1])
            _wait(port)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()


def _text(file: io.TextIOBase) -> str:
    file.seek(0)
    return file.read()


def _wait(port: int) -> None:
    while True:
        try:
            HTTPConnection("127.0.0.1", port).request("GET", "/readyz")
        except OSError:
            time.sleep(0.05)
        else:
            return


def request(image: bytes) -> bytes:
    return f"POST /v1/detect HTTP/1.1\r\nHost: x\r\nContent-Length: {len(image)}\r\n\r\n".encode() + image


def form(image: bytes, count: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.jpg"\r\n\r\n' + image + b"\r\n"
    body = part * count + b"--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    head = f"POST /v1/detect HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> Answer:
    began = time.perf_counter()
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
    return Answer(int(head.split(b" ", 2)[1]), time.perf_counter() - began)


async def closed_loop(port: int, data: bytes, seconds: float, connections: int = CONNECTIONS) -> float:
    """Keep some connections busy; return answers a second."""
    end, count = time.perf_counter() + seconds, 0

    async def client() -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            found = await answer(reader, writer, data)
            count += found.status == 200
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    return count / (time.perf_counter() - began)


async def open_loop(port: int, data: bytes, rate: float, seconds: float) -> list[Answer]:
    """Send requests at a rate; return all answers."""

    async def client() -> Answer:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            found = await answer(reader, writer, data)
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            return Answer(0, 0.0)
        return found

    began, clients = time.perf_counter(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        clients.append(asyncio.create_task(client()))
    return await asyncio.gather(*clients)


def streamed(detector: boxable.Detector, image: bytes, seconds: float) -> float:
    """Stream the image again and again in this process; return images a second."""
    began, count = time.perf_counter(), 0

    def images() -> Iterator[bytes]:
        while time.perf_counter() < began + seconds:
            yield image

    for _ in detector.stream(images()):
        count += 1
    return count / (time.perf_counter() - began)


def idle(detector: boxable.Detector, port: int, image: bytes, rounds: int) -> tuple[float, float]:
    """Median milliseconds of a call of the detector, and of what a request takes more in the same round."""
    connection, data = socket.create_connection(("127.0.0.1", port)), request(image)

    def ask() -> None:
        connection.sendall(data)
        received = b""
        while not (match := re.search(rb"content-length: (\d+)\r\n(?s:.*?)\r\n\r\n", received)):
            received += connection.recv(65536)
        while len(received) < match.end() + int(match[1]):
            received += connection.recv(65536)

    calls, more = [], []
    for _ in range(rounds):
        call = _median_ms(lambda: detector(image).to_json())
        calls.append(call)
        more.append(_median_ms(ask) - call)
    return statistics.median(calls), statistics.median(more)


def _median_ms(run: Callable[[], object]) -> float:
    time.sleep(PAUSE_S)  # the threads of the other side still spin
    times = []
    for _ in range(CALLS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:]) * 1e3


def memory_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.set_defaults(rounds=5)
    options = parser.parse_args()
    image, detector = jpeg(), boxable.load(MODEL)
    data = request(image)
    streams, served, forms = [], [], []
    with serving("--queue", str(QUEUE)) as (port, process):
        call, more = idle(detector, port, image, 8 * options.rounds)
        for _ in range(options.rounds):
            streams.append(streamed(detector, image, SECONDS))
            served.append(asyncio.run(closed_loop(port, data, SECONDS)))
            forms.append(FILES * asyncio.run(closed_loop(port, form(image, FILES), SECONDS, FORMS)))
        capacity = statistics.median(served)
        before = memory_mb(process)
        answers = asyncio.run(open_loop(port, data, LOAD * capacity, 2 * SECONDS))
        after = memory_mb(process)
    refused = [item.seconds * 1e3 for item in answers if item.status == 503]
    right = sum(item.status == 200 for item in answers)
    lost = len(answers) - right - len(refused)
    report(
        {
            "in the process: images a second": figure(statistics.median(streams), "/s"),
            "served: images a second": figure(capacity, "/s"),
            "served / in the process": figure(capacity / statistics.median(streams), "x", ">= 0.9"),
            "served in forms / in the process": figure(
                statistics.median(forms) / statistics.median(streams), "x", ">= 0.9"
            ),
            "a call of the detector, median": figure(call, "ms"),
            "an idle request over the call": figure(more, "ms", "<= 1"),
            "four times the load: answered with 200": figure(right / len(answers), ""),
            "four times the load: 503, 99th percentile": figure(float(np.percentile(refused, 99)), "ms", "<= 5"),
            "four times the load: without an answer": figure(lost, "", "<= 0"),
            "four times the load: memory, growth": figure(after - before, "MB"),
        },
        machine(("boxable", "fastapi", "uvicorn")) | {"image": f"{len(image)} bytes"},
        options.out,
    )


if __name__ == "__main__":
    main()
