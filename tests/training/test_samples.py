"""Annotated images as inputs and targets."""

import pickle
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from boxable.errors import ImageError
from boxable.networks.preprocess import Preprocess
from boxable.openimages import Dataset
from boxable.training.augmentation import Augmentation
from boxable.training.order import SampleKey, SampleOrder
from boxable.training.samples import ORIGINAL_RULES, Sample, SampleRules
from tests.openimages.folders import CAT, DOG, PERSON, box_row, copy_image_file, photo, write_folder
from tests.training.made import ANCHORS, NUM_CLASSES, PLAIN, samples_of, write_images

FIRST = SampleKey(0, 0)
GROUP, UNKNOWN = "0,0,1,0,0", "-1,-1,-1,-1,-1"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_HOME", str(tmp_path / "home"))


def one(folder: Path, boxes: Iterable[str], rules: SampleRules = PLAIN, labels: tuple[str, ...] = ()) -> Sample:
    """The sample of a set with one image."""
    write_folder(folder, boxes, labels=labels, images=["a,36,24,"])
    copy_image_file(folder, "a")
    return samples_of(folder, rules)[FIRST]


class TestPlain:
    def test_the_image_is_what_the_network_takes(self, tmp_path: Path) -> None:
        sample = one(tmp_path / "set", [box_row("a")])
        expected = Preprocess((30, 30))(Dataset(tmp_path / "set")["a"][0])
        np.testing.assert_array_equal(sample.image, expected)
        assert sample.unreadable is None

    def test_boxes_have_columns_and_anchors(self, tmp_path: Path) -> None:
        cat, dog = (0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)
        targets = one(tmp_path / "set", [box_row("a", CAT, cat), box_row("a", DOG, dog)]).targets
        np.testing.assert_array_equal(targets.boxes, np.float32([cat, dog]))
        assert targets.columns.tolist() == [2, 0]
        assert targets.weights.tolist() == [1, 1]
        assert (targets.columns.dtype, targets.weights.dtype) == (np.int64, np.float32)
        centers = (ANCHORS[:, :2] + ANCHORS[:, 2:]) / 2
        assert set(targets.match.tolist()) == {-1, 0, 1}
        assert (centers[targets.match == 0] < 0.5).all()
        assert (centers[targets.match == 1] > 0.5).all()

    def test_boxes_of_other_classes_are_dropped(self, tmp_path: Path) -> None:
        targets = one(tmp_path / "set", [box_row("a", PERSON), box_row("a", CAT), box_row("a", "user/yeti")]).targets
        assert targets.columns.tolist() == [2]

    def test_boxes_are_clipped_and_those_without_area_dropped(self, tmp_path: Path) -> None:
        inside = (-0.5, 0.25, 0.5, 1.5)
        boxes = [inside, (1.1, 0.1, 1.4, 0.4), (0.2, 0.2, 0.2, 0.9), (0.5, 0.5, 0.25, 0.9), (0, "nan", 1, 1)]
        targets = one(tmp_path / "set", [box_row("a", CAT, box) for box in boxes]).targets
        assert targets.boxes.tolist() == [[0, 0.25, 0.5, 1]]

    @pytest.mark.parametrize("rules", [PLAIN, SampleRules(), ORIGINAL_RULES])
    def test_an_image_without_boxes_is_background(self, tmp_path: Path, rules: SampleRules) -> None:
        targets = one(tmp_path / "set", [], rules).targets
        assert (targets.match == -1).all()
        assert targets.boxes.shape == (0, 4)
        assert targets.verified.all()


class TestGroupOf:
    BOX = (0.0, 0.0, 0.6, 0.6)

    def test_anchors_inside_are_ignored(self, tmp_path: Path) -> None:
        small = (0.8, 0.8, 1.0, 1.0)
        targets = one(tmp_path / "set", [box_row("a", CAT, self.BOX, GROUP), box_row("a", CAT, small)]).targets
        assert targets.boxes.tolist() == np.float32([small]).tolist()
        assert targets.columns.tolist() == [2]
        assert set(targets.match.tolist()) == {-2, -1, 0}

    def test_a_group_of_a_class_that_the_network_does_not_have_is_background(self, tmp_path: Path) -> None:
        assert (one(tmp_path / "set", [box_row("a", PERSON, self.BOX, GROUP)]).targets.match == -1).all()

    def test_unknown_is_not_group_of(self, tmp_path: Path) -> None:
        targets = one(tmp_path / "set", [box_row("a", CAT, self.BOX, UNKNOWN)]).targets
        assert set(targets.match.tolist()) == {-1, 0}

    def test_in_the_original_they_are_ordinary(self, tmp_path: Path) -> None:
        rules = SampleRules(None, ignore_group_of=ORIGINAL_RULES.ignore_group_of)
        targets = one(tmp_path / "set", [box_row("a", CAT, self.BOX, GROUP)], rules).targets
        assert set(targets.match.tolist()) == {-1, 0}


class TestVerified:
    def test_all_classes_are_if_annotations_are_exhaustive(self, tmp_path: Path) -> None:
        assert one(tmp_path / "set", [box_row("a", DOG)]).targets.verified.tolist() == [True] * NUM_CLASSES

    @pytest.mark.parametrize(
        ("boxes", "labels", "verified"),
        [
            ([], [], []),
            ([DOG], [], [0]),
            ([], [(CAT, 0)], [2]),
            ([], [(CAT, 1)], []),
            ([CAT], [(CAT, 1)], [2]),
            ([CAT], [(CAT, 0), (DOG, 0)], [0, 2]),
            ([], [(CAT, 0), (CAT, 1)], []),
            ([PERSON], [(PERSON, 0)], []),
            ([], [("user/yeti", 0), (DOG, 0)], [0]),
        ],
    )
    def test_else_those_with_a_box_or_a_negative_label(
        self, tmp_path: Path, boxes: list[str], labels: list[tuple[str, int]], verified: list[int]
    ) -> None:
        rules = SampleRules(None, annotations="verified")
        rows = [box_row("a", mid) for mid in boxes]
        sample = one(tmp_path / "set", rows, rules, tuple(f"a,verification,{mid},{value}" for mid, value in labels))
        assert np.flatnonzero(sample.targets.verified).tolist() == verified

    def test_a_box_that_is_cropped_away_verifies_its_class(self, tmp_path: Path) -> None:
        crop = Augmentation(flip=0, zoom_out=0, crop=1, colors=0)
        folder = write_folder(tmp_path / "set", [box_row("a", CAT, (0, 0, 0.1, 0.1)), box_row("a", DOG, (0, 0, 1, 1))])
        copy_image_file(folder, "a")
        samples = samples_of(folder, SampleRules(crop, annotations="verified"))
        found = [samples[epoch, 0].targets for epoch in range(20)]
        assert {tuple(targets.columns.tolist()) for targets in found} == {(0,), (2,), (2, 0)}
        assert all(np.flatnonzero(targets.verified).tolist() == [0, 2] for targets in found)


class TestMostBoxes:
    BOXES = tuple(box_row("a", (CAT, DOG)[number % 2], (0.1, 0.1, 0.9, 0.9)) for number in range(120))

    def test_the_original_has_the_first_hundred(self, tmp_path: Path) -> None:
        targets = one(tmp_path / "set", self.BOXES, ORIGINAL_RULES).targets
        assert targets.columns.tolist() == [2, 0] * 50
        assert len(targets.boxes) == len(targets.weights) == 100

    def test_else_all_are_used(self, tmp_path: Path) -> None:
        assert len(one(tmp_path / "set", self.BOXES).targets.boxes) == 120


class TestAugmented:
    def test_a_sample_is_a_function_of_seed_epoch_number_and_copy(self, tmp_path: Path) -> None:
        folder = write_images(tmp_path / "set", 2)
        samples, other = samples_of(folder, SampleRules()), samples_of(folder, SampleRules(), seed=1)
        keys = [SampleKey(0, 0), SampleKey(1, 0), SampleKey(0, 1), SampleKey(0, 0, 1)]
        first = {key: samples[key] for key in keys}
        images = {sample.image.tobytes() for sample in (*first.values(), other[keys[0]])}
        assert len(images) == 5
        again = pickle.loads(pickle.dumps(samples))
        for key in reversed(keys):
            np.testing.assert_array_equal(again[key].image, first[key].image)
            np.testing.assert_array_equal(again[key].targets.boxes, first[key].targets.boxes)
        np.testing.assert_array_equal(samples[0, 0].image, first[keys[0]].image)

    @pytest.mark.parametrize("rules", [SampleRules(), ORIGINAL_RULES])
    def test_boxes_follow_their_pixels(self, tmp_path: Path, rules: SampleRules) -> None:
        """The upper left quarter of the image is red, and boxed; colors stay near red."""
        folder = write_folder(tmp_path / "set", [box_row("a", CAT, (0, 0, 0.5, 0.5))])
        copy_image_file(folder, "a", photo(200, 300))
        samples = samples_of(folder, rules, size=300)
        found = 0
        for epoch in range(60):
            image, targets, _ = samples[epoch, 0]
            assert -1 <= image.min() <= image.max() <= 1
            for box in targets.boxes:
                top, left, bottom, right = (box * 300).round().astype(int)
                assert 0 <= top <= bottom <= 300
                red = image[..., 0] - image[..., 1:].max(2) > 0.5
                if bottom - top > 20 and right - left > 20:
                    assert red[top + 3 : bottom - 3, left + 3 : right - 3].mean() > 0.99
                    red[top:bottom, left:right] = False
                    assert red.mean() < 0.02
                    found += 1
        assert found > 30


class TestUnreadable:
    def test_an_image_is_replaced_by_the_next_readable_one_of_the_epoch(self, tmp_path: Path) -> None:
        folder = write_images(tmp_path / "set", 6)
        samples = samples_of(folder, PLAIN)
        order = SampleOrder(6, 0)
        bad, next_, good = (key.position for key in order.keys(6, 3))
        expected = samples[1, good]
        copy_image_file(folder, f"i{bad:02}", b"\xff\xd8 no image")
        (folder / "images" / f"i{next_:02}.jpg").unlink()
        found = samples[1, bad]
        np.testing.assert_array_equal(found.image, expected.image)
        np.testing.assert_array_equal(found.targets.match, expected.targets.match)
        assert found.unreadable is not None
        assert f"i{bad:02}.jpg" in found.unreadable
        assert samples[1, good].unreadable is None

    def test_none_that_is_readable_is_an_error(self, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "set", [box_row("a"), box_row("b")])
        with pytest.raises(ImageError, match=r"a\.jpg: no such image; the next 100 images are unreadable too"):
            samples_of(folder, PLAIN)[0, 0]
