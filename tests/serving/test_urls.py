"""Addresses that clients name reach public hosts alone."""

import asyncio
import ipaddress
import socket
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi")
from boxable.serving import urls
from boxable.serving.problems import RequestError
from tests.serving.conftest import Server, Start

pytestmark = pytest.mark.serving
reserved: list[int] = []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://127.1/", "http://2130706433/", "http://0x7f000001/",
        "http://0177.0.0.1/", "http://0.0.0.0/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/", "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/",
        "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/", "http://[fe80::1]/", "http://[fd00::1]/",
        "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://[::7f00:1]/", "http://[fec0::1]/",
        "http://192.88.99.1/", "http://8.8.8.8/\x01",
        "http://\ud800/", "http://224.0.0.1/", "http://255.255.255.255/",
        "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "http://8.8.8.8:22/", "https://8.8.8.8:80/",
        "http://user:pass@8.8.8.8/", "http://", "http:///etc", "http://[::1", "//example.org/", "http://8.8.8.8:99999/",
    ],
)  # fmt: skip
def test_no_address_leads_inside(url: str) -> None:
    with pytest.raises(RequestError, match=r"^url: ") as refused:
        asyncio.run(urls.fetch(url, 1000, 5.0, reserved.append))
    assert refused.value.status == 400


def answering(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, httpx.Response], hosts: dict[str, list[str]]
) -> list[Any]:
    """Let hosts have addresses, and what is at them answer; returns what was asked for."""
    asked = []

    async def getaddrinfo(self: Any, host: str, port: int, **options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in hosts[host]]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((str(request.url), request.headers["host"], request.extensions.get("sni_hostname")))
        return answers[request.headers["host"]]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    plain = httpx.AsyncClient
    monkeypatch.setattr(urls.httpx, "AsyncClient", lambda **options: plain(transport=httpx.MockTransport(answer)))
    return asked


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(
        monkeypatch, {"a.example": httpx.Response(200, stream=httpx.ByteStream(b"image"))}, {"a.example": ["8.8.8.8"]}
    )
    assert asyncio.run(urls.fetch("https://a.example/cat.jpg?size=1#top", 1000, 5.0, reserved.append)) == b"image"
    assert reserved[-1] == len(b"image")
    assert asked == [("https://8.8.8.8/cat.jpg?size=1", "a.example", "a.example")]


def test_a_redirect_is_checked_and_so_is_each_address_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    away = httpx.Response(302, headers={"location": "http://inside.example/"})
    hosts = {"a.example": ["8.8.8.8"], "inside.example": ["8.8.4.4", "10.0.0.1"]}
    asked = answering(monkeypatch, {"a.example": away}, hosts)
    with pytest.raises(RequestError, match="its host is not a public one"):
        asyncio.run(urls.fetch("http://a.example/", 1000, 5.0, reserved.append))
    assert len(asked) == 1


def test_redirects_size_and_status_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "round.example": httpx.Response(302, headers={"location": "/again"}),
        "long.example": httpx.Response(200, stream=httpx.ByteStream(bytes(1001))),
        "none.example": httpx.Response(404),
        "same.example": httpx.Response(304),
        "away.example": httpx.Response(302, headers={"location": "http://[x"}),
    }
    asked = answering(monkeypatch, answers, {host: ["8.8.8.8"] for host in answers})
    for host, text in (
        ("round", "redirects too often"),
        ("long", "more than 1,000 bytes"),
        ("none", "answered 404"),
        ("same", "answered 304"),
        ("away", "cannot be fetched"),
    ):
        with pytest.raises(RequestError, match=text):
            asyncio.run(urls.fetch(f"http://{host}.example/", 1000, 5.0, reserved.append))
    assert len(asked) == 10


def test_which_addresses_are_public() -> None:
    assert urls.is_global(ipaddress.ip_address("8.8.8.8"))
    assert urls.is_global(ipaddress.ip_address("2606:4700::1111"))
    assert not urls.is_global(ipaddress.ip_address("::ffff:10.0.0.1"))


def test_a_server_that_may_fetch_refuses_addresses_of_its_own_network(start: Start, server: Server) -> None:
    with start("--allow-urls") as fetching:
        for url in (f"{server.address}/healthz", "http://localhost/", "file:///etc/passwd", "http://[::ffff:7f00:1]/"):
            answer = fetching.client.post("/v1/detect", json={"url": url})
            assert (answer.status_code, answer.json()["reason"]) == (400, "bad_url"), url
        assert fetching.client.post("/v1/detect", json={"url": 3}).status_code == 400
