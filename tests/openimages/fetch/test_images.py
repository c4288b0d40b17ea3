"""Images that come many at a time, when one of them ends the work."""

import os
import threading
from pathlib import Path

import pytest

from boxable.errors import BoxableError
from boxable.openimages.fetch.images import fetch_images, image_path
from boxable.openimages.fetch.ledger import Ledger, Wanted
from boxable.openimages.fetch.transport import Transport
from tests.openimages.official import photo, serving

COMMENT = b"\xff\xfe\xff\xff" + bytes(65533)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe stands for a slow disk")
def test_a_file_that_is_being_written_is_completed_before_an_error_ends_the_work(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    image_path(folder, "unwritable").mkdir(parents=True)
    disk = folder / ".slow.jpg.part"
    os.mkfifo(disk)
    small = photo(1)
    large = small[:2] + 4 * COMMENT + small[2:]  # more than a pipe holds
    being_written = threading.Event()

    def unwritable_comes_later(path: str, count: int) -> None:
        if path == "unwritable.jpg":
            being_written.wait(30)

    def run() -> None:
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            ledger.want([Wanted("slow", "slow.jpg"), Wanted("unwritable", "unwritable.jpg")])
            with pytest.raises(BoxableError, match=r"cannot write .*unwritable\.jpg"):
                fetch_images(ledger, folder, Transport(server.address), threading.Event(), lambda: None)

    with serving({"slow.jpg": large, "unwritable.jpg": small}) as server:
        server.fault = unwritable_comes_later
        work = threading.Thread(target=run)
        work.start()
        with disk.open("rb") as pipe:
            came = pipe.read(1)
            being_written.set()
            work.join(0.5)
            assert work.is_alive()
            came += pipe.read()
        work.join(30)
    assert not work.is_alive()
    assert came == large
    assert sorted(path.name for path in folder.iterdir()) == ["slow.jpg", "unwritable.jpg"]


def test_no_file_is_written_after_an_error_ended_the_work(tmp_path: Path) -> None:
    """The process may end at any time then, and would leave half a file."""
    folder = tmp_path / "images"
    image_path(folder, "unwritable").mkdir(parents=True)
    late_begun, ended = threading.Event(), threading.Event()

    def late_comes_after_the_end(path: str, count: int) -> None:
        if path == "late.jpg":
            late_begun.set()
            ended.wait(30)
        else:
            late_begun.wait(30)

    with serving({"late.jpg": photo(1), "unwritable.jpg": photo(2)}) as server:
        server.fault = late_comes_after_the_end
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            ledger.want([Wanted("late", "late.jpg"), Wanted("unwritable", "unwritable.jpg")])
            with pytest.raises(BoxableError, match=r"cannot write .*unwritable\.jpg"):
                fetch_images(ledger, folder, Transport(server.address), threading.Event(), lambda: None)
        ended.set()
        for thread in threading.enumerate():
            if thread.name == "boxable-unordered":
                thread.join(30)
                assert not thread.is_alive()
    assert [path.name for path in folder.iterdir()] == ["unwritable.jpg"]
