"""Live sources: what they are, and their times."""

import io
import socket
import threading
from pathlib import Path

import pytest
from PIL import Image

from boxable.errors import ArgumentError, VideoError
from boxable.http import USER_AGENT
from boxable.video import clock as clock_module
from boxable.video.frames import read_frames
from boxable.video.source import open_video
from tests.video.clips import cat_clip, cat_frames
from tests.video.servers import datagrams, sending


def motion_jpeg(frames: list[Image.Image]) -> bytes:
    """What a webcam sends over HTTP."""
    parts = [b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"]
    for frame in frames:
        buffer = io.BytesIO()
        frame.save(buffer, "JPEG")
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {buffer.tell()}\r\n\r\n"
        parts += [head.encode(), buffer.getvalue(), b"\r\n"]
    return b"".join(parts)


def test_motion_jpeg_over_http_has_the_times_of_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    with sending(motion_jpeg(cat_frames(4)), request=True) as port:
        video = open_video(f"http://127.0.0.1:{port}/video.mjpg")
        now = iter([50.0, 50.4, 51.0, 57.0])
        monkeypatch.setattr(clock_module, "monotonic", lambda: next(now))
        assert video.live
        frames = read_frames(video, 1)
        assert [next(frames).time for _ in range(4)] == [0, 0.4, 1, 7]


def test_a_stream_over_tcp_is_live_and_has_its_own_times(tmp_path: Path) -> None:
    with sending(cat_clip(tmp_path / "cat.ts", 5).read_bytes()) as port:
        video = open_video(f"tcp://127.0.0.1:{port}")
        assert (video.live, video.frames) == (True, None)
        assert [frame.time for frame in read_frames(video, 1)] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


def test_a_stream_over_udp(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with datagrams(cat_clip(tmp_path / "cat.ts", 25).read_bytes(), port):
        video = open_video(f"udp://127.0.0.1:{port}")
        assert video.live
        frame = next(read_frames(video, 1))
    assert (frame.number, frame.time, frame.pixels.shape) == (0, 0.0, (270, 480, 3))


def test_a_file_may_be_given_as_an_address(tmp_path: Path) -> None:
    video = open_video(cat_clip(tmp_path / "a cat.mp4", 3).as_uri())
    assert (video.live, video.frames) == (False, 3)
    video.container.close()


def test_a_server_learns_what_asks() -> None:
    asked: list[bytes] = []

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            asked.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(VideoError):
            open_video(f"http://127.0.0.1:{server.getsockname()[1]}/clip.mp4")
        thread.join()
    assert f"User-Agent: {USER_AGENT}".encode() in asked[0]


@pytest.mark.parametrize("source", [0, None, b"clip.mp4", ["clip.mp4"]])
def test_what_is_no_name_is_one_line(source: object) -> None:
    with pytest.raises(ArgumentError, match='expected a path, an address or a camera such as "0" as video, got'):
        open_video(source)  # type: ignore[arg-type]
