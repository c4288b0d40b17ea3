"""`boxable train` as far as it goes without torch; tests/training/ has the rest."""

import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--minutes 0", "'--minutes': 0.0 is not in the range x>0."),
        ("--minutes -1", "'--minutes': -1.0 is not in the range x>0."),
        ("--minutes soon", "'--minutes': 'soon' is not a valid float range."),
        ("--steps 0", "'--steps': 0 is not in the range x>=1."),
        ("--steps 1.5", "'--steps': '1.5' is not a valid integer range."),
        ("--batch-size 0", "'--batch-size': 0 is not in the range x>=1."),
        ("--accumulate 0", "'--accumulate': 0 is not in the range x>=1."),
        ("--seed -1", "'--seed': -1 is not in the range x>=0."),
        ("--workers -1", "'--workers': -1 is not in the range x>=0."),
        ("--train everything", "'--train': 'everything' is not one of"),
        ("--recipe best", "'--recipe': 'best' is not one of"),
        ("--annotations some", "'--annotations': 'some' is not one of"),
        ("--val=", "'--val': expected a path, got an empty name."),
        ("--out=", "'--out': expected a path, got an empty name."),
        ("--epochs 3", "No such option '--epochs'."),
        ("more", "Got unexpected extra argument (more)"),
    ],
)
def test_an_option_that_cannot_be_is_wrong_usage(invoke: Invoke, tmp_path: Path, options: str, message: str) -> None:
    result = invoke("train", EXAMPLES, "--out", tmp_path / "run", *options.split())
    (line,) = result.stderr.splitlines()
    assert (result.stdout, result.code) == ("", 2)
    assert message in line
    assert line.endswith("See: boxable train --help")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"), [((), "Missing argument 'DATA'."), ((EXAMPLES,), "Missing option '--out'.")]
)
def test_data_and_a_folder_are_needed(invoke: Invoke, arguments: tuple[object, ...], message: str) -> None:
    result = invoke("train", *arguments)
    assert (result.stdout, result.code) == ("", 2)
    assert result.stderr == f"boxable: {message} See: boxable train --help\n"


@pytest.mark.parametrize("missing", ["torch", "tensorboard", "matplotlib"])
def test_the_packages_to_install_are_named_before_anything_is_written(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    result = invoke("train", EXAMPLES, "--out", tmp_path / "run")
    assert (result.stdout, result.code) == ("", 1)
    assert (
        result.stderr == "boxable: training needs a package that is not installed; run: pip install 'boxable[train]'\n"
    )
    assert not (tmp_path / "run").exists()
