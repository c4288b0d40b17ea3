"""What is done around every request."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("fastapi")
from boxable.serving import middleware
from boxable.serving.bodies import Budget
from boxable.serving.middleware import Around

pytestmark = pytest.mark.serving


class App:
    """An application that answers when it is told to, and the reasons of refusals."""

    def __init__(self) -> None:
        self.go, self.reasons = asyncio.Event(), list[str]()
        figures = SimpleNamespace(answered=lambda *_: None, refused=self.reasons.append)
        self.state = SimpleNamespace(service=SimpleNamespace(budget=Budget(0), figures=figures), paths={})

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Any]) -> None:
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


async def status(around: Around) -> tuple[int, dict[bytes, bytes]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/v1/models", "headers": []}
    await around(scope, None, send)  # type: ignore[arg-type]
    return sent[0]["status"], dict(sent[0]["headers"])


def test_more_requests_at_once_than_the_limit_are_refused_until_others_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "MOST_REQUESTS", 2)

    async def run() -> None:
        app = App()
        around = Around(app, app.state, ())  # type: ignore[arg-type]
        first = [asyncio.create_task(status(around)) for _ in range(2)]
        await asyncio.sleep(0)
        code, headers = await status(around)
        assert (code, headers[b"retry-after"], headers[b"x-content-type-options"]) == (503, b"1", b"nosniff")
        assert app.reasons == ["too_many"]
        app.go.set()
        assert [(await task)[0] for task in first] == [200, 200]
        assert (await status(around))[0] == 200

    asyncio.run(run())


def test_an_error_of_ours_is_a_500_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        app = App()

        async def fail(scope: Any, receive: Any, send: Any) -> None:
            raise KeyError("secret")

        code, headers = await status(Around(fail, app.state, ()))  # type: ignore[arg-type]
        assert (code, headers[b"content-type"]) == (500, b"application/problem+json")
        assert app.reasons == ["internal"]

    asyncio.run(run())
    assert "internal error in request" in caplog.text
