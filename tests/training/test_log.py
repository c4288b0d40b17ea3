"""The log of a run: what is written, and what a resumed run keeps of it."""

import json
import math
import resource
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from boxable.errors import ArgumentError, BoxableError
from boxable.training.log import LOG, RunLog, read_log


def write_steps(folder: Path, first_step: int, last_step: int, loss: float) -> None:
    with closing(RunLog(folder, first_step)) as log:
        for step in range(first_step + 1, last_step + 1):
            log.train(step, phase="head", loss=loss + step)


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_lines_hold_what_was_logged(tmp_path: Path) -> None:
    with closing(RunLog(tmp_path / "run", 0)) as log:
        log.validation(0, map=0.25, per_class={"Cat": 0.5, "Dog": 0.0})
        log.train(1, phase="head", loss=torch.tensor(1.5), lr=np.float32(0.5))
        log.note(1, text="plateau", ids=[1, 2])
        assert read_log(tmp_path / "run" / LOG) == [
            {"step": 0, "kind": "validation", "map": 0.25, "per_class": {"Cat": 0.5, "Dog": 0}},
            {"step": 1, "kind": "train", "phase": "head", "loss": 1.5, "lr": 0.5},
            {"step": 1, "kind": "note", "text": "plateau", "ids": [1, 2]},
        ]  # fmt: skip


def test_a_number_that_is_not_finite_is_null(tmp_path: Path) -> None:
    with closing(RunLog(tmp_path, 0)) as log:
        log.train(1, phase="head", loss=math.nan, lr=math.inf)
        log.validation(1, map=math.nan, per_class={"Cat": -math.inf})

    def refuse(name: str) -> None:
        raise AssertionError(name)

    lines = [json.loads(line, parse_constant=refuse) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [lines[0]["loss"], lines[0]["lr"], lines[1]["map"]] == [None] * 3
    assert lines[1]["per_class"] == {"Cat": None}


def test_tensorboard_shows_figures(tmp_path: Path) -> None:
    with closing(RunLog(tmp_path, 0)) as log:
        log.train(3, phase="head", loss=1.5, images_per_s=20)
        # Names come from files of others.
        log.validation(4, map=0.25, per_class={"Human hand": 0.75, "\ud800": 1})
        assert scalars(tmp_path, "train/loss") == [(3, 1.5)], "each line is flushed"
    assert scalars(tmp_path, "train/images_per_s") == [(3, 20)]
    assert scalars(tmp_path, "validation/mAP") == [(4, 0.25)]
    assert scalars(tmp_path, "AP/Human hand") == [(4, 0.75)]


def test_a_resumed_run_repeats_the_steps_after_its_checkpoint(tmp_path: Path) -> None:
    write_steps(tmp_path, 0, 5, loss=0)
    write_steps(tmp_path, 3, 6, loss=100)
    expected = [(1, 1), (2, 2), (3, 3), (4, 104), (5, 105), (6, 106)]
    assert [(line["step"], line["loss"]) for line in read_log(tmp_path / LOG)] == expected
    assert scalars(tmp_path, "train/loss") == expected


def test_a_resumed_run_that_ends_earlier_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    write_steps(tmp_path, 0, 5, loss=0)
    write_steps(tmp_path, 3, 4, loss=100)
    assert [step for step, _ in scalars(tmp_path, "train/loss")] == [1, 2, 3, 4]
    write_steps(tmp_path, 4, 4, loss=0)
    assert [line["step"] for line in read_log(tmp_path / LOG)] == [1, 2, 3, 4]


def test_a_new_run_replaces_the_log(tmp_path: Path) -> None:
    with closing(RunLog(tmp_path, 0)) as log:
        log.validation(0, map=0.25, per_class={})
    with closing(RunLog(tmp_path, 0)) as log:
        log.validation(0, map=0.5, per_class={})
    assert [line["map"] for line in read_log(tmp_path / LOG)] == [0.5]
    assert scalars(tmp_path, "validation/mAP") == [(0, 0.5)]


@pytest.mark.parametrize("left", [b'{"step": 2, "kind": "tr', b'{"step": 2, "kind": "train"}', b"\x00\x00\n", b"3\n"])
def test_what_a_killed_process_left_is_dropped(left: bytes, tmp_path: Path) -> None:
    write_steps(tmp_path, 0, 2, loss=0)
    with (tmp_path / LOG).open("ab") as file:
        file.write(left)
    assert [line["step"] for line in read_log(tmp_path / LOG)] == [1, 2]
    write_steps(tmp_path, 2, 3, loss=0)
    assert [json.loads(line)["step"] for line in (tmp_path / LOG).read_bytes().splitlines()] == [1, 2, 3]


def test_a_log_that_cannot_be_read_or_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no such file"):
        read_log(tmp_path / LOG)
    (tmp_path / "file").touch()
    with pytest.raises(BoxableError, match=r"cannot write .*file"):
        RunLog(tmp_path / "file", 0)


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    def fill() -> None:
        for step in range(100):
            log.train(step, phase="head", loss=1)

    log = RunLog(tmp_path, 0)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, unlimited[1]))
    try:
        with pytest.raises(BoxableError, match="cannot write"):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    log.close()
    steps = [line["step"] for line in read_log(tmp_path / LOG)]
    assert steps == list(range(len(steps)))
    assert steps
