"""Checkpoints: folders with model.safetensors, optimizer.safetensors and state.json that appear whole or not at all.

    RUN/last/   the newest state of the training; `--resume` goes on from it
    RUN/best/   the state with the highest validation mAP

A checkpoint is written to RUN/.last.new, flushed to disk, and then takes the place of the former one, which is
RUN/.last.old for the moment between two renames. `recover` undoes or completes what a killed process left.
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from boxable.errors import BoxableError, WeightsError
from boxable.files import writing
from boxable.training.state import State
from boxable.weights.model import Model, disk_errors
from boxable.weights.store import CHECKPOINT_FILE

LAST, OPTIMIZER, STATE = "last", "optimizer.safetensors", "state.json"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What training continues from: the model that is evaluated, tensors by name, and where the run is."""

    model: Model
    tensors: Mapping[str, Tensor]
    state: State


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint, in the place of a former one. Raises BoxableError; the former one then stays."""
    from safetensors.torch import save_file

    new = _beside(folder, "new")
    try:
        with writing(folder):
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(parents=True)
            checkpoint.model.save(new / CHECKPOINT_FILE)
            with disk_errors():
                save_file({name: values.contiguous() for name, values in checkpoint.tensors.items()}, new / OPTIMIZER)
            (new / STATE).write_text(json.dumps(checkpoint.state.to_dict(), indent=1) + "\n", "utf-8")
            for name in (OPTIMIZER, STATE):
                with (new / name).open("rb+") as file:
                    os.fsync(file.fileno())
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    with writing(folder):
        _replace(new, folder)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Read a checkpoint; None if there is none. Raises BoxableError for one that is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    recover(folder)
    if not folder.is_dir():
        return None
    try:
        model = Model.from_bytes((folder / CHECKPOINT_FILE).read_bytes(), str(folder / CHECKPOINT_FILE))
        state = State.from_dict(json.loads((folder / STATE).read_text("utf-8")))
        return Checkpoint(model, load_file(folder / OPTIMIZER), state)
    except (OSError, ValueError, TypeError, SafetensorError, WeightsError) as error:
        raise BoxableError(f"{folder}: damaged ({error}); remove it to start anew, or take another --out") from error


def recover(folder: Path) -> None:
    """Complete or undo a replacement that was interrupted."""
    new, old = _beside(folder, "new"), _beside(folder, "old")
    with writing(folder):
        # The former one moves away only after the new one is whole.
        if not folder.exists() and old.exists():
            (new if new.exists() else old).rename(folder)
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)


def _replace(new: Path, folder: Path) -> None:
    old = _beside(folder, "old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    with suppress(OSError):  # the next checkpoint removes it
        shutil.rmtree(old)


def _beside(folder: Path, state: str) -> Path:
    return folder.with_name(f".{folder.name}.{state}")
