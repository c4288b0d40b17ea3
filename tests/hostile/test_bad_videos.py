"""Videos that are not there, are none, or are damaged; cameras and addresses that do not answer."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from boxable.errors import VideoError
from boxable.video import source as source_module
from boxable.video.source import open_video
from tests.conftest import Command
from tests.video.clips import Shown, cat_clip, song

ADDRESSES = ["rtsp://127.0.0.1:{}/stream", "rtmp://127.0.0.1:{}/live/1", "http://127.0.0.1:{}/film.mp4"]


def complaint(source: object) -> str:
    """What opening it says, after its name."""
    with pytest.raises(VideoError) as caught:
        open_video(str(source))
    text = str(caught.value)
    assert text.startswith(f"{source}: ")
    assert "\n" not in text
    return text.removeprefix(f"{source}: ")


def test_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a film\n" * 100)
    assert complaint(tmp_path / "none.mp4") == "no such file"
    assert complaint(tmp_path) == "a folder; expected a video"
    assert complaint(tmp_path / "empty.mp4") == "damaged, or not a video that can be read"
    assert complaint(tmp_path / "text.mp4") == "damaged, or not a video that can be read"
    assert complaint(song(tmp_path / "song.m4a")) == "no video in it; expected a file with a video stream"
    assert complaint("a\0b.mp4") == "no such file"


@pytest.mark.skipif(not sys.platform.startswith("linux") or os.path.exists("/dev/video77"), reason="another camera")
def test_a_camera_that_is_not_there() -> None:
    assert complaint("77") == "no such camera"


def test_a_codec_that_nobody_knows(tmp_path: Path) -> None:
    clip = cat_clip(tmp_path / "odd.avi", 3, codec="mpeg4")
    clip.write_bytes(clip.read_bytes().replace(b"FMP4", b"QQZ9"))
    assert complaint(clip) == "no decoder for its codec here; convert it to H.264 first"


def test_a_colon_in_a_name_makes_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cat_clip(tmp_path / "cat.mp4", 2).rename("http:cat.mp4")
    video = open_video("http:cat.mp4")
    assert (video.live, video.frames) == (False, 2)
    video.container.close()


@pytest.mark.parametrize(
    "name", ["rtsp://127.0.0.1:{}/stream", "rtmp://127.0.0.1:{}/live/1", "http://127.0.0.1:{}/film.mp4"]
)
def test_an_address_where_nobody_listens(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = name.format(server.getsockname()[1])
    assert complaint(address) == "cannot be read (Connection refused)"


@pytest.mark.parametrize(
    "name",
    ["rtsp://127.0.0.1:{}/stream", "rtmp://127.0.0.1:{}/live/1", "http://127.0.0.1:{}/film.mp4", "udp://127.0.0.1:{}"],
)
def test_an_address_that_is_silent(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        start = time.monotonic()
        assert complaint(name.format(server.getsockname()[1])).startswith("no answer within")
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("name", ["s3://bucket/film.mp4", "ftp://host/film.mp4", "concat://a.ts"])
def test_an_address_of_another_kind(name: str) -> None:
    assert complaint(name).startswith("expected a file, a camera or an address of rtsp, ")


def test_srt_is_read_or_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "TIMEOUT_S", 0.5)
    text = complaint("srt://127.0.0.1:9")
    assert text == "the FFmpeg in this PyAV was built without this protocol" or text.startswith(("no answer", "cannot"))


@pytest.mark.parametrize("name", ["rtsp://127.0.0.1/stream", "udp://127.0.0.1:9", "rtmp://127.0.0.1/live/1"])
def test_offline_means_offline(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_OFFLINE", "1")
    with pytest.raises(Exception, match="BOXABLE_OFFLINE"):
        open_video(name)


@pytest.mark.usefixtures("ssd23_weights")
class TestTheCommand:
    @pytest.mark.parametrize("source", ["none.mp4", "song.m4a"])
    def test_one_line_and_exit_code_1(self, command: Command, tmp_path: Path, source: str) -> None:
        song(tmp_path / "song.m4a")
        result = command("video", source, "--model", "ssd23", "--out", "out.mp4", cwd=tmp_path)
        assert (result.returncode, result.stdout) == (1, b"")
        assert result.stderr.count(b"\n") == 1
        assert not (tmp_path / "out.mp4").exists()

    def test_what_is_cut_off_gives_what_is_left(self, command: Command, tmp_path: Path) -> None:
        clip = cat_clip(tmp_path / "cut.mp4", 30, options={"movflags": "faststart"})
        data = clip.read_bytes()
        clip.write_bytes(data[: len(data) * 9 // 10])
        result = command("video", clip, "--model", "ssd23", "--out", tmp_path / "out.mp4")
        records = [json.loads(line) for line in result.stdout.splitlines()]
        assert result.returncode == 1
        assert 1 <= len(records) < 30
        assert len(Shown(tmp_path / "out.mp4").images) == len(records)
        assert b"cut off" in result.stderr or b"damaged" in result.stderr

    def test_random_damage_never_ends_in_a_traceback(self, command: Command, tmp_path: Path) -> None:
        clip = cat_clip(tmp_path / "hurt.mp4", 10)
        data = bytearray(clip.read_bytes())
        data[100::97] = b"\xa5" * len(data[100::97])
        clip.write_bytes(data)
        result = command("video", clip, "--model", "ssd23")
        assert result.returncode in (0, 1)
        assert b"Traceback" not in result.stderr

    @pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")
    def test_ctrl_c_while_an_address_is_silent_is_heeded_at_once(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"rtsp://127.0.0.1:{server.getsockname()[1]}/stream"
            line = [sys.executable, "-m", "boxable", "video", "--model", "ssd23", address]
            with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                connection, _ = server.accept()
                with connection:
                    process.send_signal(signal.SIGINT)
                    _, stderr = process.communicate(timeout=8)
        assert process.returncode == 130
        assert stderr == f"boxable: stopped before {address} was open\n".encode()
