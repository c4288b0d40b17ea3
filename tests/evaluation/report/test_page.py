"""The page is one file that nothing in it can break out of, and that never asks for another."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import pytest

from boxable.evaluation.report.page import page
from boxable.metrics.error_kinds import ErrorKind
from tests.evaluation.report.shown import HOSTILE, empty, hostile, small

TEMPLATE = resources.files("boxable.evaluation.report").joinpath("template")
SCRIPTS = {path.name: path.read_text("utf-8") for path in TEMPLATE.iterdir() if path.name.endswith(".js")}


class Parsed(HTMLParser):
    """The start tags of a page with their attributes, and what its scripts and styles hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.held: dict[str, str] = {}
        self._within = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._within = attributes.get("type") or tag if tag in ("script", "style") else ""

    def handle_data(self, data: str) -> None:
        if self._within:
            self.held[self._within] = self.held.get(self._within, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    @property
    def content(self) -> Any:
        return json.loads(self.held["application/json"])


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_out(name: str) -> None:
    shown = hostile(name)
    parsed = Parsed(page(shown))
    assert parsed.content == json.loads(json.dumps(shown))
    assert parsed.tags == Parsed(page(small())).tags


@pytest.mark.parametrize("shown", [small(), empty()], ids=["small", "empty"])
def test_the_page_holds_the_content(shown: dict[str, Any]) -> None:
    assert Parsed(page(shown)).content == json.loads(json.dumps(shown))


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        page(small() | {"mAP": float("nan")})


def test_nothing_is_fetched() -> None:
    text = page(small())
    assert set(re.findall(r"[a-z]+://[^\s\"'`]*", text)) == {"http://www.w3.org/2000/svg"}
    parsed = Parsed(text)
    assert not [tag for tag, _ in parsed.tags if tag in ("link", "img", "iframe", "object", "embed", "base")]
    assert not [attributes for _, attributes in parsed.tags if "src" in attributes]
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", text)


def test_the_browser_is_told_to_run_and_fetch_nothing_else() -> None:
    parsed = Parsed(page(small()))
    policy = next(tag["content"] for _, tag in parsed.tags if tag.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    for directive, kind in (("style", "style"), ("script", "module")):
        digest = base64.b64encode(hashlib.sha256(parsed.held[kind].encode()).digest()).decode()
        assert f"{directive}-src 'sha256-{digest}'" in policy


def test_scripts_write_no_markup() -> None:
    writing = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(")
    assert [name for name, script in SCRIPTS.items() if writing.search(script)] == []


def test_all_scripts_are_in_the_page() -> None:
    text = page(small())
    assert [name for name, script in SCRIPTS.items() if script not in text] == []


def test_what_the_scripts_fill_is_there() -> None:
    asked = set(re.findall(r"\b(?:slot|fill)\(\s*\"([\w-]+)\"", "".join(SCRIPTS.values())))
    ids = [attributes["id"] for _, attributes in Parsed(page(empty())).tags if "id" in attributes]
    assert asked <= set(ids)
    assert len(ids) == len(set(ids))


def test_every_kind_of_error_is_explained() -> None:
    for kind in ErrorKind:
        assert SCRIPTS["base.js"].count(f"\n  {kind.name.lower()}: ") == 2, "one explanation and one picture"
