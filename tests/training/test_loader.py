"""Batches, made in this process and in others."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch

from boxable.errors import ImageError
from boxable.training.loader import ImageBatch, batches
from boxable.training.order import SampleKey, SampleOrder
from boxable.training.samples import SampleRules
from tests.conftest import ROOT
from tests.openimages.folders import copy_image_file
from tests.training.made import ANCHORS, PLAIN, samples_of, write_images


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))


def plan(images: int, steps: int, size: int) -> list[list[SampleKey]]:
    order = SampleOrder(images, 0)
    return [order.keys(step * size, size) for step in range(steps)]


def equal(first: ImageBatch, second: ImageBatch) -> bool:
    fields = ("match", "boxes", "columns", "weights", "verified")
    return torch.equal(first.images, second.images) and all(
        torch.equal(getattr(first.targets, name), getattr(second.targets, name)) for name in fields
    )


def test_a_batch_is_the_samples_of_its_keys(tmp_path: Path) -> None:
    samples = samples_of(write_images(tmp_path / "set", 5), SampleRules())
    keys = plan(5, 3, 4)
    made = [*batches(samples, keys, 0)]
    assert [batch.images.shape for batch in made] == [(4, 30, 30, 3)] * 3
    assert made[0].images.dtype == torch.float32
    for batch, own in zip(made, keys, strict=True):
        for row, key in enumerate(own):
            np.testing.assert_array_equal(batch.images[row].numpy(), samples[key].image)
            np.testing.assert_array_equal(batch.targets.match[row].numpy(), samples[key].targets.match)
        assert batch.targets.match.shape == (4, len(ANCHORS))
        assert batch.unreadable == ()


@pytest.fixture(params=["fork", "spawn"])
def start_method(request: pytest.FixtureRequest) -> Iterator[None]:
    """Workers are forked, or started anew, as on Windows and macOS: then they get what they need by a pickle."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method(request.param, force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


@pytest.mark.usefixtures("start_method")
def test_the_content_is_the_same_in_two_workers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_images(tmp_path / "set", 5)
    copy_image_file(folder, "i03", b"no image")
    samples, keys = samples_of(folder, SampleRules()), plan(5, 6, 4)
    state = torch.get_rng_state()
    with caplog.at_level(logging.WARNING, "boxable"):
        alone, together = ([*batches(samples, keys, workers)] for workers in (0, 2))
    assert all(map(equal, alone, together))
    assert len(alone) == len(together) == 6
    assert torch.equal(torch.get_rng_state(), state)
    unreadable = [message for batch in together for message in batch.unreadable]
    assert len(unreadable) == sum(key.position == 3 for own in keys for key in own) > 2
    assert [record.message for record in caplog.records] == [f"{unreadable[0]}; another image is used in its place"] * 2


def test_many_unreadable_images_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_images(tmp_path / "set", 24)
    for number in range(23):
        copy_image_file(folder, f"i{number:02}", b"no image")
    with caplog.at_level(logging.WARNING, "boxable"):
        first, _ = batches(samples_of(folder, PLAIN), plan(24, 2, 24), 0)
    assert len(first.unreadable) == 23
    named, last = [record.message for record in caplog.records[:20]], [record.message for record in caplog.records[20:]]
    assert len(set(named)) == 20
    assert all(message.endswith("another image is used in its place") for message in named)
    assert last == [
        "further unreadable images are only counted", "23 unreadable images in all, with others in their place"
    ]  # fmt: skip


@pytest.mark.parametrize("workers", [0, 1])
def test_without_any_image_the_error_is_the_same_in_a_worker(tmp_path: Path, workers: int) -> None:
    folder = write_images(tmp_path / "set", 2)
    for number in range(2):
        copy_image_file(folder, f"i{number:02}", b"no image")
    with pytest.raises(ImageError) as raised:
        next(batches(samples_of(folder, PLAIN), plan(2, 2, 2), workers))
    assert "unreadable too" in str(raised.value)
    assert "Traceback" not in str(raised.value)


def test_batches_are_made_as_they_are_taken(tmp_path: Path) -> None:
    """A plan may be endless."""
    samples, order = samples_of(write_images(tmp_path / "set", 3), PLAIN), SampleOrder(3, 0)
    endless = (order.keys(2 * step, 2) for step in iter(int, 1))
    made = batches(samples, endless, 0)
    assert equal(next(made), next(made))


def test_workers_end_with_the_batches(tmp_path: Path) -> None:
    order = SampleOrder(3, 0)
    made = batches(samples_of(write_images(tmp_path / "set", 3), PLAIN), (order.keys(0, 2) for _ in iter(int, 1)), 2)
    next(made)
    assert len(active_children()) == 2
    made.close()
    assert active_children() == []


# Ctrl-C ends it, after some more batches.
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from boxable.training.loader import batches
from boxable.training.order import SampleOrder
from tests.training.made import PLAIN, samples_of
signal.signal(signal.SIGTERM, signal.default_int_handler)
order = SampleOrder(3, 0)
try:
    for batch in batches(samples_of(Path(sys.argv[1]), PLAIN), (order.keys(0, 2) for _ in iter(int, 1)), 2):
        print(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(), flush=True)
        time.sleep(0.05)
except KeyboardInterrupt:
    time.sleep(0.2)
    print("interrupted")
"""


def running(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """The program in a process group of its own, and its workers, which work."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, write_images(folder / "set", 3)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    workers = [int(pid) for pid in lines[-1].split()]
    assert len(workers) == 2
    return process, workers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_not_told_by_workers(tmp_path: Path, number: signal.Signals) -> None:
    process, _ = running(tmp_path)
    os.killpg(process.pid, number)
    output, errors = process.communicate(timeout=30)
    assert output.endswith("interrupted\n")
    assert errors == ""
    assert process.returncode == 0


def test_workers_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    """They have inherited the lock of the run, which is resumed at once."""
    process, workers = running(tmp_path)
    process.kill()
    process.communicate(timeout=30)
    deadline = time.monotonic() + 2
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.01)
