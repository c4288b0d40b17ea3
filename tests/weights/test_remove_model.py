"""Removing models, calibrations and what was compiled from them."""

from dataclasses import replace
from pathlib import Path

import pytest

from boxable.errors import ArgumentError, UnknownModelError, WeightsError
from boxable.networks.calibration import Calibration
from boxable.weights.calibrations import SavedCalibration, find_calibration, key_of, save_calibration
from boxable.weights.cards import find_card
from boxable.weights.pull import imported_handles, open_model
from boxable.weights.remove_model import remove_model
from boxable.weights.store import install, installed
from tests.weights.conftest import Small

EMPTY = SavedCalibration(Calibration({}, {}, {}), 3, ())


@pytest.fixture
def mine(small: Small, empty_home: Path) -> Path:
    """An installed model with a calibration, compiled graphs and measured speeds."""
    path = install(replace(small.model, handle="my/own"))
    save_calibration(key_of(path, path.read_bytes()), "my/own", EMPTY)
    for folder in (
        f"{path.stem[:20]}-detector-5",
        f"{path.stem[:20]}-detector-5-int8-01234567",
        "f" * 20 + "-detector-5",
    ):
        (empty_home / "graphs" / folder).mkdir(parents=True)
        (empty_home / "graphs" / folder / "a.onnx").write_bytes(b"graph")
    (empty_home / "fastest").mkdir()
    (empty_home / "fastest" / "my--own.json").write_bytes(b"{}")
    return path


def left(home: Path) -> list[str]:
    files = (path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock")
    return sorted(path.relative_to(home).as_posix() for path in files)


def test_a_model_goes_with_all_that_was_made_of_it(mine: Path, small: Small, empty_home: Path) -> None:
    other = install(replace(small.model, handle="own"))
    save_calibration(key_of(other, other.read_bytes()), "own", EMPTY)
    assert len(remove_model("my/own")) == 5
    assert imported_handles() == ["own"]
    assert find_calibration(key_of(other, other.read_bytes())) is not None
    assert len(left(empty_home)) == 3  # weights and calibration of the other, and a graph of a third
    with pytest.raises(UnknownModelError):
        open_model("my/own")


def test_the_calibration_alone_goes_with_the_graphs_in_int8(mine: Path, empty_home: Path) -> None:
    assert len(remove_model("my/own", calibration_only=True)) == 2
    assert find_calibration(key_of(mine, mine.read_bytes())) is None
    assert installed("my/own") == mine
    assert [name for name in left(empty_home) if name.startswith(f"graphs/{mine.stem[:20]}")] == [
        f"graphs/{mine.stem[:20]}-detector-5/a.onnx"
    ]
    with pytest.raises(ArgumentError, match="no calibration of yours"):
        remove_model("my/own", calibration_only=True)


def test_a_damaged_calibration_and_one_of_earlier_weights_go_too(mine: Path, small: Small, empty_home: Path) -> None:
    (path,) = (empty_home / "calibrated").iterdir()
    path.write_bytes(b"damaged")
    changed = {name: values + 1 for name, values in small.model.weights.items()}
    later = install(replace(small.model, handle="my/own", weights=changed))
    save_calibration(key_of(later, later.read_bytes()), "my/own", EMPTY)
    remove_model("my/own", calibration_only=True)
    assert list((empty_home / "calibrated").iterdir()) == []


def test_what_is_not_installed_cannot_be_removed(empty_home: Path, tmp_path: Path, small: Small) -> None:
    with pytest.raises(UnknownModelError, match="unknown model 'nobody'"):
        remove_model("nobody")
    with pytest.raises(ArgumentError, match="ssd601 is not installed"):
        remove_model("ssd601")
    file = tmp_path / "a.safetensors"
    small.model.save(file)
    with pytest.raises(ArgumentError, match="got a file; delete it yourself"):
        remove_model(str(file))
    assert file.exists()


def test_the_calibration_of_a_file_is_removed_by_its_folder_too(empty_home: Path, tmp_path: Path, small: Small) -> None:
    path = tmp_path / "run" / "best" / "model.safetensors"
    small.model.save(path)
    for name in (path, path.parent, path.parent.parent):
        save_calibration(key_of(path, path.read_bytes()), "run", EMPTY)
        (removed,) = remove_model(str(name), calibration_only=True)
        assert removed.parent == empty_home / "calibrated"
        assert not removed.exists()
    assert path.exists()
    with pytest.raises(ArgumentError, match="got a file; delete it yourself"):
        remove_model(str(tmp_path / "run"))


def test_a_published_model_is_removed_by_its_alias(empty_home: Path, small: Small) -> None:
    handle = find_card("ssd601").handle
    install(replace(small.model, handle=handle))
    remove_model("ssd601")
    assert installed(handle) is None
    with pytest.raises(WeightsError):
        open_model("ssd601")
