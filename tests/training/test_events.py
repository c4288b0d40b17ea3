"""Event files of TensorBoard."""

import resource
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from boxable.training.events import EventFile


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_what_is_flushed_is_shown(tmp_path: Path) -> None:
    with closing(EventFile(tmp_path, 0)) as events:
        events.add("loss", 0.5, 3)
        events.add("mAP über alles", 0.25, 3)
        events.flush()
        assert scalars(tmp_path, "loss") == [(3, 0.5)]
        assert scalars(tmp_path, "mAP über alles") == [(3, 0.25)]


def test_files_are_read_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    for first in range(3):
        with closing(EventFile(tmp_path, first)) as events:
            for step in range(first, 5):
                events.add("loss", first, step)
    assert len([*tmp_path.iterdir()]) == 3
    assert scalars(tmp_path, "loss") == [(0, 0), (1, 1), (2, 2), (3, 2), (4, 2)]


def test_a_full_disk_is_an_error_of_the_caller(tmp_path: Path) -> None:
    threads = threading.active_count()
    events = EventFile(tmp_path, 0)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, unlimited[1]))
    try:
        for step in range(10):
            events.add("loss", 1, step)
        with pytest.raises(OSError, match="File too large"):
            events.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert threading.active_count() == threads
    with suppress(OSError):
        events.close()
