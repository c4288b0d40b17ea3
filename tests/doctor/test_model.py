"""Is an installed network whole, and does it find what was recorded?"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from boxable.doctor.model import check_model
from boxable.errors import ArgumentError, UnknownModelError
from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.vocabulary import ClassList, open_images
from boxable.weights.cards import DEFAULT_HANDLE, find_card
from boxable.weights.model import Model
from boxable.weights.store import install, installed
from tests.conftest import EXAMPLES


def zeros(classes: ClassList, handle: str) -> Model:
    network = ssd_mobilenet_v2(len(classes))
    weights = {name: np.zeros(shape, np.float32) for name, shape in network.variables.items()}
    return Model(network, weights, classes, handle)


def outcome(name: str, image: Path | None = None) -> dict[str, str]:
    return {finding.subject: finding.level for finding in check_model(name, image)}


@pytest.mark.parametrize("name", ["ssd23", "mediapipe/ssd_mobilenet_v2_oidv4_23"])
def test_the_23_class_network_passes(ssd23_weights: Path, name: str) -> None:
    findings = list(check_model(name, None))
    assert [(one.subject, one.level) for one in findings] == [
        ("hash", "ok"), ("shapes", "ok"), ("runs", "ok"), ("recorded", "ok"),
    ]  # fmt: skip
    assert findings[0].text == f"sha256 {ssd23_weights.stem}"
    assert "23 classes" in findings[1].text
    assert findings[3].text.startswith("all ")


@pytest.fixture
def copied(ssd23_weights: Path, empty_home: Path) -> Path:
    """The 23-class network in a cache of the test's own."""
    path = empty_home / "models" / ssd23_weights.parent.name / ssd23_weights.name
    path.parent.mkdir(parents=True)
    shutil.copy(ssd23_weights, path)
    return path


def test_a_damaged_file_fails(copied: Path) -> None:
    data = bytearray(copied.read_bytes())
    data[-1] ^= 1
    for damage in (bytes(data), bytes(data[:1000]), b""):
        copied.write_bytes(damage)
        assert outcome("ssd23") == {"hash": "error"}


def test_a_file_with_the_right_hash_but_other_content_fails(empty_home: Path, copied: Path) -> None:
    from tests.weights.conftest import sha256

    copied.unlink()
    (copied.parent / f"{sha256(b'junk')}.safetensors").write_bytes(b"junk")
    assert outcome("ssd23") == {"hash": "ok", "runs": "error"}


def test_other_weights_do_not_find_what_was_recorded(empty_home: Path) -> None:
    card = find_card("ssd23")
    install(zeros(card.classes, card.handle))
    found = outcome("ssd23")
    assert found.pop("recorded") == "error"
    assert set(found.values()) == {"ok"}


def test_what_is_not_installed_fails_and_says_how_to_get_it(empty_home: Path) -> None:
    (finding,) = check_model("ssd23", None)
    assert finding.level == "error"
    assert finding.text == "no; run: boxable models pull ssd23"


def test_an_unknown_model_is_an_error(empty_home: Path) -> None:
    with pytest.raises(UnknownModelError):
        list(check_model("nobody", None))


def test_an_imported_network_passes_without_recordings(empty_home: Path) -> None:
    install(zeros(ClassList.from_names(["Cat", "robot"]), "mine"))
    assert outcome("mine") == {"hash": "ok", "shapes": "ok", "runs": "ok", "recorded": "note"}


def test_an_image_for_a_model_without_recordings_is_an_argument_error(ssd23_weights: Path) -> None:
    with pytest.raises(ArgumentError, match="nothing was recorded for ssd23 on an image of yours"):
        list(check_model("ssd23", EXAMPLES / "chelsea.png"))


def test_the_official_network_is_compared_on_the_image_of_the_recording(empty_home: Path, tmp_path: Path) -> None:
    install(zeros(open_images(), DEFAULT_HANDLE))
    assert outcome("ssd601") == {"hash": "ok", "shapes": "ok", "runs": "ok", "recorded": "note"}
    found = outcome("ssd601", EXAMPLES / "chelsea.png")
    assert found["image"] == "note"
    assert found["recorded"] == "note"  # these weights are not the published ones, and it says so
    assert installed(DEFAULT_HANDLE) is not None
