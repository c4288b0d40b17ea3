"""Describing published and installed models."""

from pathlib import Path

import pytest

from boxable.errors import UnknownModelError
from boxable.weights.cards import find_card
from boxable.weights.describe import describe
from tests.weights.conftest import Small, sha256


def facts(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in describe(name):
        found.setdefault(line[:14].strip(), []).append(line[15:])
    return found


@pytest.mark.parametrize(
    ("name", "fact", "expected"),
    [
        ("ssd601", "handle", "google/openimages_v4/ssd/mobilenet_v2/1"),
        ("ssd601-zoo", "aliases", "ssd601-zoo"),
        ("ssd601", "licence", "Apache-2.0"),
        ("ssd601", "network", "ssd_mobilenet_v2, input 300x300"),
        ("ssd601", "parameters", "14,460,382"),
        ("frcnn601", "network", "faster_rcnn_inception_resnet_v2, input within 1024x600 or 600x1024"),
        ("frcnn601", "parameters", "64,007,910"),
        ("frcnn601", "multiply-adds", "depends on the image"),
        ("ssd601", "multiply-adds", "1,533,833,840 an image"),
        ("ssd601", "installed", "no; run: boxable models pull ssd601"),
        ("ssd23", "parameters", "5,008,348"),
        ("ssd23", "installed", "no; run: boxable models pull ssd23"),
        ("ssd23", "npm package", "@mediapipe/objectron@0.4.1675468480"),
    ],
)
def test_a_fact_is_told(empty_home: Path, name: str, fact: str, expected: str) -> None:
    assert facts(name)[fact] == [expected]


def test_a_published_figure_comes_with_its_protocol_and_that_it_was_not_measured_here(empty_home: Path) -> None:
    (figure,) = facts("ssd601")["mAP"]
    assert figure.startswith("0.34 (")
    assert "not measured here" in figure


@pytest.mark.parametrize("name", ["ssd601", "ssd23"])
def test_all_addresses_and_the_first_classes_are_listed(empty_home: Path, name: str) -> None:
    card, found = find_card(name), facts(name)
    assert found["source"] == list(card.source.addresses)
    number, _, names = found["classes"][0].partition(": ")
    assert int(number) == len(card.classes)
    assert names.split(", ")[:10] == [item.name for item in card.classes[:10]]
    assert f"boxable classes --model {name}" in names


def test_hash_and_size_of_the_published_file_are_told(empty_home: Path) -> None:
    (text,) = facts("ssd23")["file"]
    source = find_card("ssd23").source
    assert text == f"{source.file}, 9,987,912 bytes, sha256 {source.sha256}"


def test_an_installed_model_says_where_it_is(ssd23_weights: Path) -> None:
    found = facts("ssd23")
    assert found["installed"] == [str(ssd23_weights)]
    assert "how to get it" not in found


def test_what_int8_costs_is_told_with_its_interval(ssd23_weights: Path) -> None:
    head, *figures = facts("ssd23")["int8"]
    assert head == "calibrated on 200 images"
    for runtime in ("onnxruntime", "openvino"):
        own = [text for text in figures if text.endswith(f"; {runtime})")]
        assert [text.partition(" points [")[2].partition("(")[2].partition(":")[0] for text in own] == [
            "eval-coco",
            "eval-voc",
            "eval-oi",
            "all three",
        ]


def test_a_file_and_its_folder_are_described(empty_home: Path, tmp_path: Path, small: Small) -> None:
    path = tmp_path / "run" / "best" / "model.safetensors"
    small.model.save(path)
    for name in (path, path.parent, path.parent.parent):
        found = facts(str(name))
        assert found["handle"] == ["tests/two/1"]
        assert (found["file"], found["sha256"]) == ([str(path)], [sha256(path.read_bytes())])
        assert found["int8"] == [f"not calibrated; run: boxable quantize {name} --calibration DIR"]
        assert found["classes"] == ["2: Cat, robot"]
        assert "installed" not in found
    with pytest.raises(UnknownModelError):
        facts(str(tmp_path))
