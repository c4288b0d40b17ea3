"""Texts of labels: fonts for all scripts, and what is left out where room is short."""

import logging

import pytest
from PIL import ImageFont

from boxable.images import label_text as module
from boxable.images.label_text import label_size, label_text


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYSTEM_FONTS", ("gone.ttf",))
    module._warn_once.cache_clear()


def test_latin_text_has_pillows_own_font_and_no_accents() -> None:
    text, font = label_text(" Caf\u00e9\n 85% ", 14, 400)
    assert text == "Cafe 85%"
    assert font.getname()[0] == "Aileron"


@pytest.mark.parametrize("label", ["\u041a\u043e\u0442 85%", "\u05d7\u05ea\u05d5\u05dc 85%"])
def test_other_letters_come_from_a_font_of_the_system_that_has_them(label: str) -> None:
    try:
        ImageFont.truetype("DejaVuSans.ttf")
    except OSError:
        pytest.skip("the font DejaVu Sans is not installed")
    text, font = label_text(label, 14, 400)
    assert text == label
    assert font.size == 14
    assert font.getname()[0] != "Aileron"


@pytest.mark.usefixtures("no_fonts")
@pytest.mark.parametrize(
    ("label", "expected"),
    [("\u65e5\u672c\u8a9e 85%", "??? 85%"), ("\u041a\u043e\u0442 \U0001f408", "??? ?"), ("a\0b \ud800", "a?b ?")],
)
def test_letters_without_a_font_are_question_marks(label: str, expected: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "boxable"):
        assert [label_text(label, 14, 400)[0] for _ in range(2)] == [expected] * 2
    assert len(caplog.messages) == ("\0" not in label)


@pytest.mark.parametrize("label", ["very " * 100 + "long 85%", "W" * 300 + " 85%"])
@pytest.mark.parametrize("width", [80, 200, 400])
def test_a_long_name_is_cut_and_its_score_stays(label: str, width: int) -> None:
    text, font = label_text(label, 14, width)
    assert text.endswith("\u2026 85%")
    assert width - 14 < label_size(text, font)[0] <= width


def test_a_single_long_word_is_cut_at_its_end_and_what_does_not_fit_at_all_is_empty() -> None:
    assert label_text("W" * 300, 14, 100)[0].strip("W") == "\u2026"
    text, font = label_text("Person 85%", 14, 32)
    assert text == ""
    assert label_size(text, font) == (0, 0)
