"""The page in a browser: an image comes in, boxes appear, filters work; nothing goes elsewhere."""

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.serving.conftest import CHELSEA, EXAMPLES, Server, Start

pytestmark = pytest.mark.serving
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
BRING = """async ([how, name, data, type]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  document.getElementById("drop").dispatchEvent(
    how === "paste"
      ? new ClipboardEvent("paste", { clipboardData: files, bubbles: true })
      : new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


@dataclass
class Shown:
    """A page, and what it said and asked for."""

    page: Any
    messages: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=str)
def shown(browser: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Shown]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = Shown(context.new_page())
    page.page.on("console", lambda message: page.messages.append(message.text))
    page.page.on("pageerror", lambda error: page.messages.append(str(error)))
    page.page.on("request", lambda asked: page.addresses.append(asked.url))
    page.page.goto(server.address)
    yield page
    context.close()
    assert page.messages == []
    assert all(address.startswith((server.address, "blob:")) for address in page.addresses)


def drop(page: Any, name: str, data: bytes, type_: str = "image/png", how: str = "drop") -> None:
    page.evaluate(BRING, [how, name, base64.b64encode(data).decode(), type_])


def test_boxes_appear_on_an_image_that_is_dropped_and_filters_choose(shown: Shown) -> None:
    page = shown.page
    drop(page, "astronaut.png", (EXAMPLES / "astronaut.png").read_bytes())
    page.wait_for_selector("#boxes rect", state="attached")
    assert page.locator("#list button").all_inner_texts() == ["Person\n59 %", "Bottle\n32 %", "Person\n31 %"]
    assert page.locator("#boxes rect").count() == 3
    page.locator("#list button").nth(1).focus()
    assert page.locator("#tip").inner_text() == "Bottle 32 %"
    page.get_by_label("Person 2").uncheck()
    assert page.locator("#list button").all_inner_texts() == ["Bottle\n32 %"]
    page.get_by_label("Tool 1").uncheck()
    assert page.locator("#count").inner_text() == "0 detections"
    page.get_by_label("Person 2").check()
    page.get_by_label("Score at least").fill("50")
    assert page.locator("#list button").all_inner_texts() == ["Person\n59 %"]
    page.get_by_label("Score at least").press("ArrowLeft")
    assert page.locator("#score-value").inner_text() == "49 %"


def test_the_annotated_image_can_be_downloaded(shown: Shown) -> None:
    shown.page.set_input_files("#file", CHELSEA)
    shown.page.wait_for_selector("#boxes rect", state="attached")
    with shown.page.expect_download() as download:
        shown.page.get_by_role("button", name="Download the annotated image").click()
    assert download.value.suggested_filename == "annotated.png"
    assert download.value.path().stat().st_size > 10_000


def test_accessibility_checks_find_nothing(shown: Shown) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    assert axe.Axe().run(shown.page).violations_count == 0
    shown.page.set_input_files("#file", CHELSEA)
    shown.page.wait_for_selector("#boxes rect", state="attached")
    shown.page.locator("#list button").first.focus()
    found = axe.Axe().run(shown.page)
    assert found.violations_count == 0, found.generate_report()


def test_an_error_is_shown(browser: Any, server: Server) -> None:
    page = browser.new_page()
    page.goto(server.address)
    drop(page, "bad.png", b"no image")
    page.wait_for_selector("#error:not([hidden])")
    assert "image: " in page.locator("#error").inner_text()
    drop(page, "notes.txt", b"text", "text/plain")
    playwright.expect(page.locator("#error")).to_have_text("This is not an image.")
    assert page.locator("#figure").is_hidden()
    assert page.locator("#results").is_hidden()
    page.set_input_files("#file", CHELSEA)
    page.wait_for_selector("#boxes rect", state="attached")
    assert page.locator("#error").is_hidden()
    page.close()


def test_the_result_can_be_copied(browser: Any, server: Server) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(server.address)
    page.set_input_files("#file", CHELSEA)
    page.wait_for_selector("#boxes rect", state="attached")
    page.get_by_role("button", name="Copy JSON").click()
    playwright.expect(page.locator("#status")).to_have_text("Copied.")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert [item["name"] for item in copied["detections"]] == ["Cat"]
    context.close()


def test_an_image_can_be_pasted(browser: Any, server: Server) -> None:
    page = browser.new_page()
    page.goto(server.address)
    drop(page, "cat.png", CHELSEA.read_bytes(), how="paste")
    page.wait_for_selector("#boxes rect", state="attached")
    assert page.locator("#count").inner_text() == "1 detection"
    page.close()


def test_a_key_is_asked_for_and_used(browser: Any, start: Start, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(hashlib.sha256(b"open sesame").hexdigest())
    with start("--keys", str(keys)) as server:
        page = browser.new_page()
        page.goto(server.address)
        for key, message in (("wrong", "This key is not accepted."), ("open sesame", "")):
            page.locator("#key").fill(key)
            page.locator("#key").press("Enter")
            playwright.expect(page.locator("#error")).to_contain_text(message)
        playwright.expect(page.locator("#key-field")).to_be_hidden()
        page.set_input_files("#file", CHELSEA)
        page.wait_for_selector("#boxes rect", state="attached")
        page.close()
