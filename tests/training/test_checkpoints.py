"""Checkpoints appear whole or not at all."""

import json
import resource
import shutil
import stat
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
import torch

from boxable.errors import BoxableError
from boxable.networks.architectures import ARCHITECTURES
from boxable.training.checkpoints import Checkpoint, load_checkpoint, recover, save_checkpoint
from boxable.training.state import State
from boxable.vocabulary import ClassList
from boxable.weights.extend_classes import initialized
from boxable.weights.model import Model
from boxable.weights.pull import open_model
from tests.openimages.made import CAT
from tests.training.runs import CONTEXT, stop_before


@pytest.fixture(scope="module")
def model() -> Model:
    return initialized(ARCHITECTURES["ssd_mobilenet_v2"](1), ClassList.from_mids([(CAT, "")]), "made", seed=0)


def checkpoint(model: Model, step: int) -> Checkpoint:
    tensors = {"variable/a": torch.full((2, 3), float(step)), "optimizer/step/a": torch.tensor(float(step))}
    return Checkpoint(model, tensors, State(step=step, best_map=0.1 + step))


def test_what_is_saved_is_loaded(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "run" / "last"
    assert load_checkpoint(folder) is None
    for step in (1, 2):
        save_checkpoint(checkpoint(model, step), folder)
        found = load_checkpoint(folder)
        assert found is not None
        assert found.state == State(step=step, best_map=0.1 + step)
        assert {name: values.tolist() for name, values in found.tensors.items()} == {
            "variable/a": [[step] * 3] * 2, "optimizer/step/a": step
        }  # fmt: skip
        assert found.model.to_bytes() == model.to_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["last"]
    assert open_model(str(folder)).description.classes == model.classes


def test_tensors_keep_their_values_in_any_layout(model: Model, tmp_path: Path) -> None:
    values = torch.rand(2, 3, 4, 5)
    laid_out = values.to(memory_format=torch.channels_last)
    save_checkpoint(Checkpoint(model, {"a": laid_out, "b": values.double()}, State()), tmp_path / "last")
    found = load_checkpoint(tmp_path / "last")
    assert found is not None
    assert torch.equal(found.tensors["a"], values)
    assert torch.equal(found.tensors["b"], values.double())


# The calls of `save_checkpoint` that change what is on the disk, and the step that is found if it ends before them.
CALLS = [
    ("pathlib:Path.mkdir", 1, 1), ("safetensors.numpy:save_file", 1, 1),
    ("safetensors.torch:save_file", 1, 1), ("pathlib:Path.write_text", 1, 1), ("os:fsync", 2, 1),
    ("boxable.training.checkpoints:_replace", 1, 1), ("pathlib:Path.rename", 1, 1), ("pathlib:Path.rename", 2, 2),
    ("shutil:rmtree", 3, 2),
]  # fmt: skip


def _save_and_die(model: Model, folder: Path, target: str, call: int) -> None:
    stop_before(target, call)
    save_checkpoint(checkpoint(model, 2), folder)


@pytest.mark.parametrize(("target", "call", "step"), CALLS)
def test_a_killed_process_leaves_the_former_checkpoint_or_the_new_one(
    model: Model, tmp_path: Path, target: str, call: int, step: int
) -> None:
    save_checkpoint(checkpoint(model, 1), tmp_path / "last")
    process = CONTEXT.Process(target=_save_and_die, args=(model, tmp_path / "last", target, call))
    process.start()
    process.join(60)
    assert process.exitcode == -9
    found = load_checkpoint(tmp_path / "last")
    assert found is not None
    assert found.state.step == found.tensors["optimizer/step/a"] == step
    assert [path.name for path in tmp_path.iterdir()] == ["last"]


@pytest.mark.parametrize(("folder", "new", "old"), [*product((False, True), repeat=3)])
def test_recovery_takes_the_newest_that_is_whole(tmp_path: Path, folder: bool, new: bool, old: bool) -> None:
    for name, there in (("last", folder), (".last.new", new), (".last.old", old)):
        if there:
            (tmp_path / name).mkdir()
            (tmp_path / name / name).touch()
    recover(tmp_path / "last")
    # Without a former one, a new one that has not its name may be anything.
    expected = "last" if folder else None if not old else ".last.new" if new else ".last.old"
    assert [path.name for path in tmp_path.rglob("*")] == (["last", expected] if expected else [])


def test_what_cannot_be_written_leaves_the_former_one(model: Model, tmp_path: Path) -> None:
    save_checkpoint(checkpoint(model, 1), tmp_path / "last")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = Checkpoint(model, {"a": torch.zeros(30_000_000, dtype=torch.uint8)}, State(step=2))
    for size, name in ((2_000_000, "model.safetensors"), (25_000_000, "")):  # the first file, and the second
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, unlimited[1]))
        try:
            with pytest.raises(BoxableError, match=f"cannot write {tmp_path}/.*{name}: .*File too large") as raised:
                save_checkpoint(large, tmp_path / "last")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        assert "\n" not in str(raised.value)
        assert [path.name for path in tmp_path.iterdir()] == ["last"]
        found = load_checkpoint(tmp_path / "last")
        assert found is not None
        assert found.state.step == 1


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGE: list[tuple[str, Callable[[Path], object]]] = [
    ("model.safetensors", cut), ("model.safetensors", Path.unlink), ("optimizer.safetensors", cut),
    ("optimizer.safetensors", Path.unlink), ("state.json", Path.unlink),
    ("state.json", lambda path: path.write_text("{")),
    ("state.json", lambda path: path.write_text(json.dumps({"stride": 1}))),
    ("state.json", lambda path: path.write_text("[]")),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(DAMAGE)))
def test_a_damaged_one_is_told(model: Model, tmp_path: Path, number: int) -> None:
    save_checkpoint(checkpoint(model, 1), tmp_path / "last")
    name, damage = DAMAGE[number]
    damage(tmp_path / "last" / name)
    with pytest.raises(BoxableError, match=f"^{tmp_path}/last: damaged .*; remove it to start anew"):
        load_checkpoint(tmp_path / "last")


def test_others_can_read_the_model(model: Model, tmp_path: Path) -> None:
    save_checkpoint(checkpoint(model, 1), tmp_path / "last")
    (tmp_path / "new").touch()
    assert stat.S_IMODE((tmp_path / "last" / "model.safetensors").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "new").stat().st_mode
    )
    shutil.rmtree(tmp_path / "last")
    assert load_checkpoint(tmp_path / "last") is None
