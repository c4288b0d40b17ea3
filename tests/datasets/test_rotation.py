"""Images and boxes that are turned upright."""

from pathlib import Path

import numpy as np
import pytest

from boxable.openimages import Dataset
from tests.openimages.folders import CAT, box_row, copy_image_file, photo, write_folder

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners(image: np.ndarray) -> list[tuple[int, ...]]:
    """Which color is in each corner: top left, top right, bottom left, bottom right."""
    found = (image[y, x] for y in (2, -3) for x in (2, -3))
    return [tuple(255 if value > 127 else 0 for value in pixel.tolist()) for pixel in found]


class TestRotation:
    """The box is around the red quarter, which is top left as stored."""

    BOX = (0.0, 0.0, 0.5, 0.5)

    @pytest.mark.parametrize(
        ("degrees", "shape", "colors", "box"),
        [
            ("0.0", (24, 36), [RED, GREEN, BLUE, WHITE], (0, 0, 0.5, 0.5)),
            ("90.0", (36, 24), [GREEN, WHITE, RED, BLUE], (0.5, 0, 1, 0.5)),
            ("180.0", (24, 36), [WHITE, BLUE, GREEN, RED], (0.5, 0.5, 1, 1)),
            ("270.0", (36, 24), [BLUE, RED, WHITE, GREEN], (0, 0.5, 0.5, 1)),
        ],
    )
    def test_picture_and_boxes_are_turned_counter_clockwise(
        self,
        tmp_path: Path,
        degrees: str,
        shape: tuple[int, int],
        colors: list[tuple[int, ...]],
        box: tuple[float, ...],
    ) -> None:
        folder = write_folder(tmp_path / "set", [box_row("a", CAT, self.BOX)], images=[f"a,36,24,{degrees}"])
        copy_image_file(folder, "a")
        image, targets = Dataset(folder)[0]
        assert image.shape[:2] == shape
        assert corners(image) == colors
        assert tuple(targets.boxes[0].tolist()) == box

    def test_where_it_is_known_the_orientation_in_the_file_is_passed_over(self, tmp_path: Path) -> None:
        folder = write_folder(tmp_path / "set", [box_row("a", CAT, self.BOX)], images=["a,36,24,90"])
        copy_image_file(folder, "a", photo(orientation=8))  # the same turn, which must not be made twice
        image, _ = Dataset(folder)[0]
        assert corners(image) == [GREEN, WHITE, RED, BLUE]

    @pytest.mark.parametrize("unknown", ["", "nan", "45"])
    def test_where_it_is_not_known_the_file_is_believed(self, tmp_path: Path, unknown: str) -> None:
        folder = write_folder(tmp_path / "set", [box_row("a", CAT, self.BOX)], images=[f"a,36,24,{unknown}"])
        copy_image_file(folder, "a", photo(orientation=8))
        image, targets = Dataset(folder)[0]
        assert corners(image) == [GREEN, WHITE, RED, BLUE]
        assert tuple(targets.boxes[0].tolist()) == self.BOX
