"""Limits of connections."""

import asyncio

import pytest

pytest.importorskip("uvicorn")
import uvicorn

from boxable.serving import connections

pytestmark = pytest.mark.serving


async def app(scope: object, receive: object, send: object) -> None:
    await asyncio.Event().wait()


def test_a_connection_too_many_is_answered_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)

    async def run() -> None:
        config = uvicorn.Config(app, http=connections.BoundedProtocol, log_config=None, lifespan="off")
        config.load()
        state = uvicorn.server.ServerState()
        make = lambda: connections.BoundedProtocol(config, state, {})  # noqa: E731
        server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = await asyncio.wait_for(reader.read(), 10)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n")
        for _, other in (*opened, (reader, writer)):
            other.close()
        server.close()

    asyncio.run(run())
