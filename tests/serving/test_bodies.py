"""What a body may take in memory."""

import gzip
import json
import sys
import zlib
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("fastapi")
import orjson

from boxable.serving import bodies
from boxable.serving.bodies import Budget
from boxable.serving.problems import RequestError

pytestmark = pytest.mark.serving


def bytes_of(value: Any) -> int:
    """Bytes of a value, with the pointer to it; of numbers and keys that are shared, as if each were one of its own."""
    size = 8 + sys.getsizeof(value)
    if isinstance(value, list):
        size += sum(map(bytes_of, value))
    if isinstance(value, dict):
        size += sum(bytes_of(key) + bytes_of(item) for key, item in value.items())
    return size


@pytest.mark.parametrize(
    "content",
    [
        [0.5] * 9999, [[]] * 9999, [{}] * 9999, [{"a": 1}] * 9999, {str(n): "ab" for n in range(9999)}, ["ab"] * 9999,
        ["a" * 9999 + "\U0001f600"], [[[[0.123, 0.5, 1]]] * 9999], "é" * 9999,
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_ascii", [True, False])
def test_the_estimate_of_parsed_json_is_no_less_than_what_it_takes(content: Any, is_ascii: bool) -> None:
    body = json.dumps(content, ensure_ascii=is_ascii, separators=(",", ":")).encode()
    assert bytes_of(orjson.loads(body)) <= bodies._parsed_size(body) + 100


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bodies_are_decompressed_in_parts(encoding: str) -> None:
    data = bytes(range(256)) * 20_000
    body = gzip.compress(data[:99]) + gzip.compress(data[99:]) if encoding == "gzip" else zlib.compress(data)
    parts = list(bodies._decompressed(body, encoding))
    assert b"".join(parts) == data
    assert max(map(len, parts)) <= 2**20


def test_a_body_that_can_never_fit_is_too_large_and_another_may_come_again() -> None:
    budget = Budget(100)
    first, second = (SimpleNamespace(scope={"state": {}}) for _ in range(2))
    budget.reserve(first, 60)  # type: ignore[arg-type]
    with pytest.raises(RequestError) as busy:
        budget.reserve(second, 50)  # type: ignore[arg-type]
    with pytest.raises(RequestError) as too_large:
        budget.reserve(first, 50)  # type: ignore[arg-type]
    assert (busy.value.status, too_large.value.status) == (503, 413)
    budget.release(60)
    budget.reserve(second, 50)  # type: ignore[arg-type]
