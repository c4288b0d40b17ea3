"""Objects keep their number from frame to frame."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

import boxable
from boxable.detection.detections import Detections
from boxable.errors import MissingExtraError
from boxable.video.tracking import Tracker
from boxable.vocabulary import open_images
from tests.video.clips import cat_clip

CAT, DOG = open_images().find("Cat"), open_images().find("Dog")


def found(*items: tuple[object, float, float]) -> Detections:
    """Detections from triples of a class, a score and the left edge of a box 0.2 wide."""
    boxes = [[0.3, left, 0.6, left + 0.2] for _, _, left in items]
    kinds = [item[0] for item in items]
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array([item[1] for item in items], np.float32),
        np.array([kind.label_id for kind in kinds], np.int64), np.array([kind.mid for kind in kinds], np.str_),
        np.array([kind.name for kind in kinds], np.str_), 400, 300, "made", open_images(),
    )  # fmt: skip


def test_without_the_library_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'boxable\[track\]'"):
        Tracker(25)


def test_the_tracker_of_a_class_gets_the_rows_of_this_class_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackers", ModuleType("trackers"))
    given: dict[int, list[int]] = {}

    def follow(_: Tracker, label: int, rows: NDArray[np.int64], *__: object) -> dict[int, int]:
        given[label] = rows.tolist()
        return dict.fromkeys(given[label], 0)

    monkeypatch.setattr(Tracker, "_follow", follow)
    tracks = Tracker(25).update(found((CAT, 0.9, 0.1), (DOG, 0.8, 0.3), (CAT, 0.7, 0.5)), 0.0)
    assert given == {CAT.label_id: [0, 2], DOG.label_id: [1]}
    assert tracks[0] == tracks[2] != tracks[1]


@pytest.mark.optional
class TestWithTheLibrary:
    def test_two_that_move_keep_their_numbers_whatever_their_order(self) -> None:
        tracker = Tracker(25)
        seen = []
        for number in range(20):
            one, other = (CAT, 0.9, 0.01 * number), (CAT, 0.8, 0.7 - 0.01 * number)
            pair = (one, other) if number % 2 else (other, one)
            tracks = tracker.update(found(*pair), number / 25)
            seen.append(tuple(tracks if number % 2 else reversed(tracks)))
        assert set(seen) == {(2, 1)}

    def test_classes_are_followed_apart_though_they_share_a_box(self) -> None:
        tracker = Tracker(25)
        for number in range(5):
            tracks = tracker.update(found((CAT, 0.9, 0.3), (DOG, 0.8, 0.3)), number / 25)
        assert tracks == [1, 2]

    def test_an_object_of_another_class_in_the_same_place_is_another_object(self) -> None:
        tracker = Tracker(25)
        for number in range(5):
            tracks = tracker.update(found((CAT, 0.9, 0.3)), number / 25)
        assert tracks == [1]
        seen = [tracker.update(found((DOG, 0.9, 0.3)), number / 25) for number in range(5, 8)]
        assert seen == [[2], [2], [2]]

    def test_a_weak_detection_goes_on_with_a_track_and_starts_none(self) -> None:
        tracker = Tracker(25)
        for number in range(4):
            tracks = tracker.update(found((CAT, 0.9, 0.1), (CAT, 0.2, 0.7)), number / 25)
        assert tracks == [1, None]
        assert tracker.update(found((CAT, 0.2, 0.1)), 4 / 25) == [1]

    def test_every_detection_of_the_default_score_has_a_number_from_its_first_frame(self) -> None:
        tracker = Tracker(25)
        assert tracker.update(found((CAT, 0.3, 0.1), (CAT, 0.31, 0.4), (DOG, 0.9, 0.4)), 0.0) == [1, 2, 3]
        assert tracker.update(found((CAT, 0.3, 0.1), (CAT, 0.31, 0.4), (CAT, 0.5, 0.75)), 0.04) == [1, 2, 4]

    def test_one_that_appears_takes_no_number_of_another_that_it_overlaps(self) -> None:
        tracker = Tracker(25)
        assert tracker.update(found((CAT, 0.9, 0.3)), 0.0) == [1]
        assert tracker.update(found((CAT, 0.5, 0.38), (CAT, 0.9, 0.3)), 0.04) == [2, 1]
        assert tracker.update(found((CAT, 0.9, 0.3), (CAT, 0.5, 0.38), (CAT, 0.4, 0.22)), 0.08) == [1, 2, 3]

    def test_an_object_of_which_only_each_second_frame_has_a_detection_is_one(self) -> None:
        tracker = Tracker(25)
        seen = [tracker.update(found(*[(CAT, 0.35, 0.3)][number % 2 :]), number / 25) for number in range(10)]
        assert seen == [[1], []] * 5

    def test_a_jump_by_the_width_of_an_object_does_not_lose_it_and_one_across_the_frame_does(self) -> None:
        tracker = Tracker(25)
        lefts = (0.1, 0.1, 0.32, 0.32, 0.8)
        seen = [tracker.update(found((CAT, 0.9, left)), number / 25) for number, left in enumerate(lefts)]
        assert seen == [[1], [1], [1], [1], [2]]

    def test_times_a_millionth_of_a_second_apart_are_taken(self) -> None:
        tracker = Tracker(25)
        assert [tracker.update(found((CAT, 0.9, 0.3)), time) for time in (0.0, 1e-6, 2e-6)] == [[1]] * 3

    @pytest.mark.parametrize(("gap_s", "track"), [(0.5, 1), (5.0, 2)])
    def test_what_comes_back_soon_is_the_same_object(self, gap_s: float, track: int | None) -> None:
        tracker = Tracker(25)
        for number in range(5):
            tracker.update(found((CAT, 0.9, 0.3)), number / 25)
        for time in np.arange(0.2, 0.2 + gap_s, 0.04):
            assert tracker.update(found(), float(time)) == []
        assert tracker.update(found((CAT, 0.9, 0.3)), 0.2 + gap_s) == [track]

    def test_rare_looks_do_not_lose_an_object(self) -> None:
        tracker = Tracker(0.5)
        seen = [tracker.update(found((CAT, 0.9, 0.3)), 2.0 * number) for number in range(5)]
        assert seen == [[1]] * 5

    def test_the_cat_of_a_video_is_one_cat(self, detector: boxable.Detector, tmp_path: Path) -> None:
        clip = cat_clip(tmp_path / "cat.mp4", 20)
        items = list(boxable.detect_video(detector, clip, every=2, track=True, min_score=0.3))
        assert [item.tracks for item in items] == [[1]] * 10
        assert items[0].to_dict()["detections"][0]["track"] == 1
