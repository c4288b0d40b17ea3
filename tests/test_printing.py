"""Results on standard output."""

import io
import json
import sys

import pytest

from boxable.errors import BoxableError
from boxable.printing import print_json, print_text


class _Failing(io.StringIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        raise self.error


def test_text_is_written_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_text("a\nb")
    assert capsys.readouterr().out == "a\nb"


def test_a_closed_pipe_is_told_by_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Failing(BrokenPipeError()))
    assert not print_text("a")


def test_another_error_names_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", _Failing(OSError(28, "No space left on device")))
    with pytest.raises(BoxableError, match=r"^stdout: No space left on device$"):
        print_text("a")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_json_is_valid_utf8_whatever_the_encoding_of_stdout(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"Kawa ☕": ["é", "😀", "\udcff", 'a "quoted" \\ name\n']}  # a name of a file need not be text
    stream = io.TextIOWrapper(io.BytesIO(), encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stream)
    print_json(value, indent=1)
    stream.flush()
    data = stream.buffer.getvalue()  # type: ignore[attr-defined]
    assert json.loads(data.decode("utf-8")) == value
    assert ("é".encode() in data) == (encoding == "utf-8")
