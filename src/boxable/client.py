"""Clients of `boxable serve`: the same Detections as a Detector gives, computed by a server.

    from boxable.client import Client

    with Client("http://127.0.0.1:8000") as client:
        found = client.detect("photo.jpg", classes="Animal")

`AsyncClient` has the same methods as coroutines.
"""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

import httpx
import numpy as np

from boxable.detection.detections import Detections
from boxable.errors import ArgumentError, FetchError, ImageError
from boxable.http import USER_AGENT, is_retryable
from boxable.images.sources import ImageLike, Source, source_of
from boxable.networks.heads.rules import NmsMode
from boxable.vocabulary import ClassList, ObjectClass
from boxable.vocabulary.selection import Selection, terms_of

# Attempts of a request, and seconds before the second one; each later one waits twice as long.
ATTEMPTS, PAUSE_S, LONGEST_PAUSE_S = 4, 0.25, 10.0
_TIMEOUT_S = 60.0


class DetectOptions(TypedDict, total=False):
    """Arguments of a call to a Detector that a server takes too."""

    classes: Selection
    min_score: float
    max_detections: int
    nms: NmsMode


class _Requests:
    """What both clients send, and how they read answers."""

    def __init__(
        self, address: str, *, model: str | None = None, key: str | None = None, timeout_s: float = _TIMEOUT_S
    ) -> None:
        if not address.startswith(("http://", "https://")):
            raise ArgumentError(f'expected an address as "http://127.0.0.1:8000", got {address!r}')
        self._model = model
        headers = {"User-Agent": USER_AGENT, "Request-Timeout": f"{timeout_s:g}"} | (
            {"Authorization": f"Bearer {key}"} if key else {}
        )
        self._settings: dict[str, Any] = {"base_url": address, "headers": headers, "timeout": timeout_s}
        self._classes: ClassList | None = None

    def _parameters(self, options: Mapping[str, Any]) -> dict[str, Any]:
        given = {"model": self._model, **options}
        if given.get("classes") is not None:
            given["classes"] = ",".join(terms_of(given["classes"]))
        return {name: value for name, value in given.items() if value is not None}

    def _detections(self, answer: httpx.Response, source: Source, classes: ClassList) -> Detections:
        record = answer.json()
        rows = record["detections"]
        boxes = np.array([row["box"] for row in rows], np.float32).reshape(-1, 4)
        columns = {name: [row[name] for row in rows] for name in ("score", "label_id", "mid", "name")}
        return Detections(
            boxes, np.array(columns["score"], np.float32), np.array(columns["label_id"], np.int64),
            np.array(columns["mid"], np.str_), np.array(columns["name"], np.str_), record["width"], record["height"],
            source.name, classes, name_ancestors=any("ancestors" in row for row in rows), _image=source,
        )  # fmt: skip


class Client(_Requests):
    """A connection to a server: `address` as in "http://127.0.0.1:8000". May be used from many threads at once.

    `model`: a name that it serves, None: its default. `key`: one that it accepts, if it needs keys. The server and
    the client give a request up after `timeout_s` seconds; while the server is busy or does not answer, it is sent
    again, four times in all. Raises ArgumentError for an address without http:// or https://.
    """

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(address, **options)
        self._http = httpx.Client(**self._settings)

    def detect(self, image: ImageLike, **options: Unpack[DetectOptions]) -> Detections:
        """Detect in one image, as `Detector.__call__` does; files and bytes are sent as they are.

        Raises ArgumentError and ImageError for what the server refuses, FetchError where it does not answer.
        """
        source = source_of(image)
        body, parameters = source.encoded(), self._parameters(options)
        answer = self._send("POST", "/v1/detect", params=parameters, content=body)
        return self._detections(answer, source, self.classes())

    def classes(self) -> ClassList:
        """Return the classes that the model detects; asked once."""
        if self._classes is None:
            self._classes = _class_list(self._send("GET", "/v1/classes", params=self._parameters({})))
        return self._classes

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        attempts = _Attempts()
        while True:
            try:
                answer = self._http.request(method, path, **request)
            except httpx.HTTPError as failed:
                pause = attempts.pause_after(_no_answer(failed))
            else:
                if answer.is_success:
                    return answer
                pause = attempts.pause_after(_refusal(answer), answer.headers.get("retry-after"))
            time.sleep(pause)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Requests):
    """As `Client`, with coroutines."""

    def __init__(self, address: str, **options: Any) -> None:
        super().__init__(address, **options)
        self._http = httpx.AsyncClient(**self._settings)

    async def detect(self, image: ImageLike, **options: Unpack[DetectOptions]) -> Detections:
        """See `Client.detect`."""
        source = source_of(image)
        body, parameters = await asyncio.to_thread(source.encoded), self._parameters(options)
        answer = await self._send("POST", "/v1/detect", params=parameters, content=body)
        return self._detections(answer, source, await self.classes())

    async def classes(self) -> ClassList:
        """See `Client.classes`."""
        if self._classes is None:
            self._classes = _class_list(await self._send("GET", "/v1/classes", params=self._parameters({})))
        return self._classes

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        attempts = _Attempts()
        while True:
            try:
                answer = await self._http.request(method, path, **request)
            except httpx.HTTPError as failed:
                pause = attempts.pause_after(_no_answer(failed))
            else:
                if answer.is_success:
                    return answer
                pause = attempts.pause_after(_refusal(answer), answer.headers.get("retry-after"))
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Attempts:
    """The pauses between the attempts of a request."""

    def __init__(self) -> None:
        self._pauses = iter(PAUSE_S * 2**number for number in range(ATTEMPTS - 1))

    def pause_after(self, error: FetchError, retry_after: str | None = None) -> float:
        """Return the seconds to wait: what the server asks for, within reason, else what is due. Raises the error."""
        pause = next(self._pauses, None)
        if pause is None or not error.retryable:
            raise error
        asked = float(retry_after) if retry_after and retry_after.isdigit() else pause
        return min(asked, LONGEST_PAUSE_S)


def _refusal(answer: httpx.Response) -> FetchError:
    """Make the error of an answer that may be another one later. Raises ArgumentError and ImageError for the others."""
    try:
        content = answer.json()
    except ValueError:
        content = {}
    text = content.get("detail") if isinstance(content, dict) else None
    message = text or f"the server answered {answer.status_code} {answer.reason_phrase}"
    if answer.status_code in (400, 404, 413) and text:
        raise (ImageError if content.get("reason") == "bad_image" else ArgumentError)(message)
    return FetchError(message, status=answer.status_code, retryable=is_retryable(answer.status_code))


def _no_answer(error: httpx.HTTPError) -> FetchError:
    reason = " ".join(str(error).split()) or type(error).__name__
    connected = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    return FetchError(f"the server does not answer ({reason})", retryable=True, connected=connected)


def _class_list(answer: httpx.Response) -> ClassList:
    rows = answer.json()["classes"]
    return ClassList(ObjectClass(row["label_id"], row["mid"], row["name"]) for row in rows)
