"""The friendly calls."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.detection.hierarchy_nms import hierarchy_nms
from boxable.errors import ArgumentError, ImageError, UnknownClassError
from tests.conftest import EXAMPLES

ASTRONAUT, CHELSEA = EXAMPLES / "astronaut.png", EXAMPLES / "chelsea.png"


def pixels() -> np.ndarray:
    with Image.open(CHELSEA) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(
    "picture",
    [
        str(CHELSEA),
        CHELSEA,
        CHELSEA.read_bytes(),
        Image.open(CHELSEA),
        pixels(),
        pixels().astype(np.float64) / 255,
        io.BytesIO(CHELSEA.read_bytes()),
    ],
    ids=["str", "path", "bytes", "pil", "uint8", "float64", "file"],
)
def test_every_kind_of_picture_gives_the_same_cat(detector: boxable.Detector, picture: object) -> None:
    found = detector(picture)
    assert found.names.tolist() == ["Cat"]
    assert found.scores[0] == pytest.approx(0.8509, abs=1e-4)
    assert (found.width, found.height) == (451, 300)


def test_a_list_gives_a_list_and_a_four_dimensional_array_is_one(detector: boxable.Detector) -> None:
    both = detector([CHELSEA, pixels()], min_score=0.3)
    stacked = detector(np.stack([pixels(), pixels()]), min_score=0.3)
    assert [item.names.tolist() for item in (*both, *stacked)] == [["Cat"]] * 4
    assert detector([]) == []


def test_grey_arrays_are_pictures_too(detector: boxable.Detector) -> None:
    grey = pixels().mean(axis=2).astype(np.uint8)
    assert detector(grey, min_score=0).boxes.shape == detector(grey[:, :, None], min_score=0).boxes.shape == (100, 4)


def test_by_default_scores_reach_three_tenths_and_a_hundred_are_kept(detector: boxable.Detector) -> None:
    everything = detector(ASTRONAUT, min_score=0)
    strong = everything.filter(min_score=0.3)
    assert 0 < len(strong) < len(everything) == 100
    (streamed,) = detector.stream(ASTRONAUT)
    for found in (detector(ASTRONAUT), *detector([ASTRONAUT]), streamed):
        assert np.array_equal(found.scores, strong.scores)
    assert len(detector(CHELSEA, min_score=0, max_detections=7)) == 7
    assert len(detector(CHELSEA, min_score=0, max_detections=250)) == 250


def test_classes_act_before_the_cut_and_filter_after_it(detector: boxable.Detector) -> None:
    everything = detector(CHELSEA, min_score=0)
    only_dogs = detector(CHELSEA, classes="Dog", min_score=0)
    assert set(only_dogs.names.tolist()) == {"Dog"}
    assert len(only_dogs) > len(everything.filter(classes="Dog")) > 0
    assert np.array_equal(only_dogs.scores[:3], everything.filter("Dog").scores[:3])


def test_a_general_class_selects_the_kinds_that_the_model_can_name(detector: boxable.Detector) -> None:
    found = detector(CHELSEA, classes=["Animal"], min_score=0)
    assert set(found.names.tolist()) <= {"Cat", "Dog", "Cattle"}


@pytest.mark.parametrize("classes", ["Tortoise", "Animal:self", "Unicorn", "Cat,-Animal", [99999]])
def test_a_class_that_cannot_be_named_is_an_error(detector: boxable.Detector, classes: object) -> None:
    with pytest.raises(UnknownClassError):
        detector(CHELSEA, classes=classes)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "options",
    [{"min_score": 1.5}, {"min_score": float("nan")}, {"max_detections": 0}, {"nms": "soft"}, {"max_detections": 2.5}],
)
def test_options_out_of_range_are_refused(detector: boxable.Detector, options: dict) -> None:
    with pytest.raises(ArgumentError, match=next(iter(options))):
        detector(CHELSEA, **options)


def test_a_stream_goes_on_past_bad_items_in_order(detector: boxable.Detector, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    found = list(detector.stream([CHELSEA, bad, tmp_path / "none.jpg", EXAMPLES], min_score=0.3))
    assert [Path(item.source).name for item in found] == [
        "chelsea.png", "bad.jpg", "none.jpg", "astronaut.png", "chelsea.png", "coffee.png",
    ]  # fmt: skip
    assert [item.error is None for item in found] == [True, False, False, True, True, True]
    assert len(found[1]) == 0
    assert "bad.jpg" in str(found[1].error)


def test_a_damaged_image_is_kept_and_marked_if_that_is_wanted(detector: boxable.Detector) -> None:
    content = CHELSEA.read_bytes()
    cut = content[: len(content) * 3 // 4]
    with pytest.raises(ImageError, match=r"^bytes: damaged"):
        detector(cut)
    sound, kept = detector.stream([content, cut], truncated="keep", min_score=0.3)
    assert (sound.truncated, kept.truncated) == (False, True)
    assert (kept.width, kept.height) == (451, 300)
    assert kept.names.tolist() == ["Cat"]
    assert kept.to_dict()["truncated"] is True
    assert "truncated" not in sound.to_dict()
    assert kept.draw().size == (451, 300)
    assert [found.truncated for found in detector([cut, content], truncated="keep")] == [True, False]
    assert detector(cut, truncated="keep", min_score=0.3)[:1].truncated
    with pytest.raises(ArgumentError, match="truncated: expected 'error' or 'keep', got 'yes'"):
        detector(content, truncated="yes")  # type: ignore[call-overload]


def test_a_stream_is_lazy(detector: boxable.Detector) -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        while True:
            taken += 1
            yield pixels()

    stream = detector.stream(endless(), min_score=0)
    assert len(next(stream)) == 100
    assert taken < 20
    stream.close()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_threads_and_batches_do_not_change_what_is_found(
    detector: boxable.Detector, threads: int, batch_size: int
) -> None:
    photos = [EXAMPLES / f"{name}.png" for name in ("astronaut", "chelsea", "coffee")]
    alone = [detector(photo, min_score=0) for photo in photos]
    other = boxable.load("ssd23", threads=threads, batch_size=batch_size)
    for found, expected in zip(other.stream(photos * 4, min_score=0), alone * 4, strict=True):
        assert found.names.tolist() == expected.names.tolist()
        assert np.abs(found.scores - expected.scores).max() <= 1e-6
        assert np.abs(found.boxes - expected.boxes).max() <= 1e-6


@pytest.fixture(scope="module")
def fast(ssd23_weights: Path) -> boxable.Detector:
    return boxable.load("ssd23", decode="fast")


def test_fast_decoding_tells_the_size_and_the_boxes_of_the_full_picture(
    detector: boxable.Detector, fast: boxable.Detector, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    with Image.open(CHELSEA) as image:
        image.convert("RGB").resize((1804, 1200), Image.Resampling.LANCZOS).save(large, quality=95)
    exact, alone, (streamed,) = detector(large, min_score=0.3), fast(large, min_score=0.3), fast.stream(large)
    assert (alone.width, alone.height) == (streamed.width, streamed.height) == (1804, 1200)
    assert alone.names.tolist() == exact.names.tolist() == ["Cat"]
    assert np.abs(alone.boxes - exact.boxes).max() < 0.03
    assert alone.scores[0] != exact.scores[0]


def test_fast_decoding_changes_nothing_where_it_does_not_apply(
    detector: boxable.Detector, fast: boxable.Detector
) -> None:
    for picture in (CHELSEA, pixels()):
        assert np.array_equal(fast(picture, min_score=0).scores, detector(picture, min_score=0).scores)


def test_the_way_to_decode_is_one_of_two_and_part_of_the_fingerprint(
    detector: boxable.Detector, fast: boxable.Detector
) -> None:
    assert fast.fingerprint == f"{detector.fingerprint}-fast"
    with pytest.raises(ArgumentError, match="decode: expected 'exact' or 'fast', got 'quick'"):
        boxable.load("ssd23", decode="quick")  # type: ignore[arg-type]


def test_a_bad_picture_in_a_list_raises(detector: boxable.Detector) -> None:
    with pytest.raises(ImageError, match="no such file"):
        detector([CHELSEA, "none.jpg"])


def test_what_is_no_picture_is_refused(detector: boxable.Detector) -> None:
    with pytest.raises(ArgumentError, match="got int"):
        detector(7)


def test_one_detector_serves_many_threads(detector: boxable.Detector) -> None:
    pictures = [EXAMPLES / f"{name}.png" for name in ("astronaut", "chelsea", "coffee")] * 6
    alone = [detector(picture, min_score=0).scores for picture in pictures[:3]]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda picture: detector(picture, min_score=0), pictures))
    for index, found in enumerate(together):
        assert np.array_equal(found.scores, alone[index % 3])


def test_class_agnostic_leaves_no_two_boxes_that_coincide(detector: boxable.Detector) -> None:
    from boxable.boxes import iou

    found = detector(CHELSEA, nms="class-agnostic", min_score=0, max_detections=20)
    overlaps = iou(found.boxes[:, None], found.boxes[None])
    assert (overlaps[np.triu_indices(len(found), 1)] <= 0.6).all()


def test_hierarchy_nms_is_applied_to_the_best_hundred_and_then_cut(detector: boxable.Detector) -> None:
    plain = detector(CHELSEA, nms="per-class", min_score=0)
    kept = hierarchy_nms(plain.boxes, plain.mids.tolist())
    assert len(kept) < len(plain)  # there is an ancestor to suppress
    found = detector(CHELSEA, nms="hierarchy", min_score=0)
    assert np.array_equal(found.scores, plain.scores[kept])
    assert found.mids.tolist() == plain.mids[kept].tolist()
    first = int(np.setdiff1d(np.arange(len(plain)), kept)[0])
    for count in (1, first + 1, len(kept)):
        cut = detector(CHELSEA, nms="hierarchy", min_score=0, max_detections=count)
        assert np.array_equal(cut.scores, plain.scores[kept][:count])


def test_scores_at_or_below_the_model_s_own_threshold_are_no_detections(ssd23_weights: Path) -> None:
    model = replace(boxable.Model.from_bytes(ssd23_weights.read_bytes(), "ssd23"), score_threshold=0.2)
    found = boxable.load(model)(CHELSEA, min_score=0)
    assert 0 < len(found) < 100
    assert found.scores.min() > 0.2


def test_a_model_of_other_classes_keeps_open_images_ids(tmp_path: Path, ssd23_weights: Path) -> None:
    from boxable.vocabulary import ClassList

    model = boxable.Model.from_bytes(ssd23_weights.read_bytes(), "ssd23")
    names = [f"Thing {number}" for number in range(23)]
    names[7], names[3] = "cat", "Person"
    renamed = boxable.Model(model.network, model.weights, ClassList.from_names(names), "mine")
    renamed.save(tmp_path / "mine.safetensors")
    found = boxable.load(tmp_path / "mine.safetensors")(CHELSEA, max_detections=1)
    assert (found.label_ids.tolist(), found.mids.tolist(), found.names.tolist()) == ([122], ["/m/01yrx"], ["Cat"])
    assert boxable.load(model).classes.find("Person").label_id == renamed.classes.find("Person").label_id == 69
    assert renamed.classes[0].label_id == 1001
    assert renamed.classes[22].label_id == 1021
