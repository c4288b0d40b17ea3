"""A live source that is opened again."""

import logging
import threading
from pathlib import Path

import pytest

from boxable.errors import ArgumentError
from boxable.video import reconnect as reconnect_module
from boxable.video.reconnect import read_reconnecting
from boxable.video.source import open_video
from tests.video.clips import cat_clip
from tests.video.servers import sending


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconnect_module, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(reconnect_module, "LONGEST_WAIT_S", 0.003)


def test_numbers_and_times_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "boxable")
    clip = cat_clip(tmp_path / "cat.ts", 5).read_bytes()
    ended = threading.Event()
    with sending(clip, clip) as port:
        name = f"tcp://127.0.0.1:{port}"
        frames = read_reconnecting(open_video(name), 2, ended)
        found = [next(frames) for _ in range(6)]
    assert [frame.number for frame in found] == [0, 2, 4, 6, 8, 10]
    assert [frame.time for frame in found[:3]] == pytest.approx([0, 0.08, 0.16])
    assert found[3].time > found[2].time
    assert found[5].time - found[3].time == pytest.approx(0.16)
    assert caplog.messages == [f"{name}: ended; connecting again", f"{name}: connected again"]
    ended.set()
    assert list(frames) == []


def test_it_tries_again_more_and_more_rarely_until_it_is_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waits: list[float | None] = []

    class Ended(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return len(waits) == 5

    with sending(cat_clip(tmp_path / "cat.ts", 2).read_bytes()) as port:
        video = open_video(f"tcp://127.0.0.1:{port}")
    assert [frame.number for frame in read_reconnecting(video, 1, Ended())] == [0, 1]
    assert waits == [0.001, 0.002, 0.003, 0.003, 0.003]
    assert all("Connection refused" in text and "; trying again in" in text for text in caplog.messages[1:])


def test_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"reconnect: expected a camera or a live stream, got .*cat\.mp4"):
        next(read_reconnecting(open_video(cat_clip(tmp_path / "cat.mp4", 2)), 1, threading.Event()))
