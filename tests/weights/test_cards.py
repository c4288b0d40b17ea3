"""Which networks are known, and under which names."""

import json
from pathlib import Path

import pytest

from boxable.errors import UnknownModelError
from boxable.vocabulary import open_images
from boxable.weights.cards import DEFAULT_HANDLE, FALLBACK_HANDLE, Card, all_cards, find_card, get_card


@pytest.mark.parametrize(
    "name",
    [
        "google/openimages_v4/ssd/mobilenet_v2/1",
        "ssd601",
        "google/mobilenet-v2/tensorFlow1/openimages-v4-ssd-mobilenet-v2/1",
        "kaggle.com/models/google/mobilenet-v2/frameworks/TensorFlow1/variations/openimages-v4-ssd-mobilenet-v2/versions/1",
        "https://www.kaggle.com/models/google/mobilenet-v2/TensorFlow1/openimages-v4-ssd-mobilenet-v2/1",
        "https://storage.googleapis.com/tfhub-modules/google/openimages_v4/ssd/mobilenet_v2/1.tar.gz",
        "https://tfhub.dev/google/openimages_v4/ssd/mobilenet_v2/1",
        "http://tfhub.dev/google/openimages_v4/ssd/mobilenet_v2/1",
        "https://www.tfhub.dev/google/openimages_v4/ssd/mobilenet_v2/1",
        "tfhub.dev/google/openimages_v4/ssd/mobilenet_v2/1",
        "https://tfhub.dev/google/openimages_v4/ssd/mobilenet_v2/1/",
        "https://tfhub.dev/google/openimages_v4/ssd/mobilenet_v2/1?tf-hub-format=compressed",
        " ssd601\n",
    ],
)
def test_handle_alias_and_tf_hub_urls_name_the_601_class_network(name: str) -> None:
    card = find_card(name)
    assert card.handle == DEFAULT_HANDLE
    assert card.classes == open_images()
    assert card.network.num_classes == 601


@pytest.mark.parametrize("name", ["ssd23", "mediapipe/ssd_mobilenet_v2_oidv4_23"])
def test_handle_and_alias_name_the_23_class_network(name: str) -> None:
    card = find_card(name)
    assert card.handle == FALLBACK_HANDLE
    assert card.network.num_classes == len(card.classes) == 23


def test_the_23_classes_are_the_recorded_ones_in_column_order(reference: Path) -> None:
    recorded = json.loads((reference / "real23" / "labels23.json").read_text())
    found = [(item.mid, item.name) for item in find_card("ssd23").classes]
    assert found == [(item["mid"], item["display_name"]) for item in recorded]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ssd",
        "SSD-601",
        "google/openimages_v4/ssd/mobilenet_v2",
        "google/openimages_v4/ssd/mobilenet_v2/2",
        "google/faster_rcnn/openimages_v4/inception_resnet_v2/2",
        "https://example.com/google/openimages_v4/ssd/mobilenet_v2/1",
    ],
)
def test_another_name_is_no_network(name: str) -> None:
    assert get_card(name) is None
    with pytest.raises(UnknownModelError, match="known are ssd601, frcnn601, ssd23") as error:
        find_card(name)
    assert repr(name) in str(error.value)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("sdd23", "ssd23"),
        ("ssd600", "ssd601"),
        ("google/openimages_v4/ssd/mobilenet_v2", "google/openimages_v4/ssd/mobilenet_v2/1"),
        ("google/openimages/ssd/mobilenet_v2/1", "google/openimages_v4/ssd/mobilenet_v2/1"),
    ],
)
def test_the_error_suggests_the_nearest_name(name: str, suggestion: str) -> None:
    with pytest.raises(UnknownModelError) as error:
        find_card(name)
    assert f"did you mean {suggestion}?" in str(error.value)


def test_nothing_is_suggested_for_what_is_far_from_every_name() -> None:
    with pytest.raises(UnknownModelError) as error:
        find_card("yolov5x")
    assert "did you mean" not in str(error.value)


def test_the_default_network_comes_first_and_names_are_unique() -> None:
    assert [card.handle for card in all_cards()] == [
        DEFAULT_HANDLE, "google/faster_rcnn/openimages_v4/inception_resnet_v2/1", FALLBACK_HANDLE,
        "tensorflow/faster_rcnn_inception_resnet_v2_atrous_oid_v4_2018_12_12",
        "tensorflow/ssd_mobilenet_v2_oid_v4_2018_12_12",
    ]  # fmt: skip
    names = [name for card in all_cards() for name in (card.handle, *card.aliases)]
    assert len(set(names)) == len(names)


def test_what_is_fetched_has_consistent_facts() -> None:
    source = find_card("ssd23").source
    assert (source.begin, source.end, source.size) == (184, 9_987_912, 9_987_912)
    assert source.part_sha256 == "d0a5255bf8c4f5a0bc4240741a76c41d5e939f7655078f945f50ab53a9375da6"
    assert len(source.sha256) == 64
    assert source.addresses
    assert all(address.startswith("https://") and address.endswith(source.file) for address in source.addresses)


@pytest.mark.parametrize("card", all_cards(), ids=lambda card: card.alias)
def test_a_card_says_licence_author_and_where_each_figure_is_from(card: Card) -> None:
    assert card.licence == "Apache-2.0"
    assert card.author
    assert card.source.addresses
    assert all(metric.protocol for metric in card.metrics)
