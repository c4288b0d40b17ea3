"""Remove an installed model, or its calibration alone, and what was compiled from it."""

import shutil
from pathlib import Path

from boxable.errors import ArgumentError
from boxable.files import writing
from boxable.settings import home
from boxable.weights.calibrations import model_of, own_calibrations
from boxable.weights.cards import get_card
from boxable.weights.pull import imported_handles, users_file
from boxable.weights.store import installed, lock


def remove_model(name: str, *, calibration_only: bool = False) -> list[Path]:
    """Remove a model: its weights, the user's calibration of it, its compiled graphs, and the speeds measured of it.

    With `calibration_only` the calibration and the int8 graphs alone; `name` may then be a .safetensors file, or a
    folder with one, too.
    Compiled graphs that another installed model shares stay. Returns the files and folders that were removed. Raises
    ArgumentError where there is nothing to remove, UnknownModelError, and BoxableError for what cannot be removed.
    """
    card = get_card(name)
    handle = card.handle if card else name
    is_known = card is not None or name in imported_handles()
    weights = installed(handle) if is_known else users_file(name)
    if not is_known and not calibration_only:
        raise ArgumentError(f"{name}: expected the name of an installed model, got a file; delete it yourself")
    if weights is None:
        raise ArgumentError(f"{name} is not installed; `boxable models list` shows what is")
    with lock(handle if is_known else model_of(weights)):
        targets = list(own_calibrations(model_of(weights)))
        if calibration_only and not targets:
            raise ArgumentError(f"{name} has no calibration of yours; `boxable models info` shows what it has")
        if is_known:
            targets += _graphs(weights, "*-int8-*" if calibration_only else "*")
        if not calibration_only:
            speeds = home() / "fastest" / f"{weights.parent.name}.json"
            targets += [path for path in (speeds, weights.parent) if path.exists()]
        for path in targets:
            _delete(path)
    return targets


def _graphs(weights: Path, pattern: str) -> list[Path]:
    """List the folders of graphs compiled from these installed weights alone; `pattern` of the rest of their key."""
    if len(list((home() / "models").glob(f"*/{weights.name}"))) > 1:
        return []
    return sorted((home() / "graphs").glob(f"{weights.stem[:20]}-{pattern}"))


def _delete(path: Path) -> None:
    with writing(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
