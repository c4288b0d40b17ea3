"""Ten thousand mixed requests leave memory and descriptors of the server as they were."""

import asyncio
import base64
import io
import json
import re
from collections import Counter
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.serving.conftest import Server, Start

pytestmark = pytest.mark.serving
REQUESTS, WARM_UP, CONNECTIONS = 10_000, 1_000, 8
# Megabytes: arenas of the allocator and caches of classes fill up with chance; a leak of 2 KB a request is above it.
MOST_GROWTH = 20


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 120, 40)).save(file, "PNG")
    return file.getvalue()


def requests() -> list[tuple[int, httpx.Request]]:
    """One of each kind, with the status of its answer; a third of them detect."""
    image = png()
    text = base64.b64encode(image).decode()
    predict = json.dumps({"signature_name": "image_bytes", "inputs": {"b64": text}})
    infer = json.dumps({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [text]}]})
    sent: list[tuple[int, str, str, bytes | str | None]] = [
        (200, "POST", "/v1/detect", image),
        (200, "POST", "/v1/detect?min_score=0&classes=Animal", image),
        (200, "POST", "/v1/models/ssd23:predict", predict),
        (200, "POST", "/v2/models/ssd23/infer", infer),
        (400, "POST", "/v1/detect", b"no image"),
        (400, "POST", "/v1/detect?nms=other", image),
        (400, "POST", "/v1/models/ssd23:predict", b"{"),
        (404, "POST", "/v2/models/other/infer", infer),
        (404, "GET", "/nothing", None),
        (200, "GET", "/healthz", None),
        (200, "GET", "/v1/classes", None),
        (200, "GET", "/metrics", None),
    ]
    return [(status, httpx.Request(method, f"http://x{path}", content=body)) for status, method, path, body in sent]


async def send(address: str, count: int) -> Counter[bool]:
    """Send so many, some on new connections; count answers with the expected status, and others."""
    kinds, left, found = requests(), iter(range(count)), Counter[bool]()

    async def client() -> None:
        connection = httpx.AsyncClient(timeout=60)
        for number in left:
            status, request = kinds[number % len(kinds)]
            url = address + request.url.raw_path.decode()
            answer = await connection.request(request.method, url, content=request.content)
            found[answer.status_code == status] += 1
            if number % 50 == 0:
                await connection.aclose()
                connection = httpx.AsyncClient(timeout=60)
        await connection.aclose()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return found


def state(server: Server) -> tuple[float, int]:
    """Megabytes of memory, and open descriptors."""
    process = Path(f"/proc/{server.process.pid}")
    memory = re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())
    assert memory is not None
    return int(memory[1]) / 1024, len(list((process / "fd").iterdir()))


def test_memory_and_descriptors_stay(start: Start) -> None:
    with start() as server:
        server.client.close()
        assert asyncio.run(send(server.address, WARM_UP)) == {True: WARM_UP}
        memory, descriptors = state(server)
        assert asyncio.run(send(server.address, REQUESTS)) == {True: REQUESTS}
        later, open_now = state(server)
        print(f"{later - memory:+.1f} MB, {open_now - descriptors:+d} descriptors")
        assert later - memory < MOST_GROWTH
        assert open_now <= descriptors + CONNECTIONS
