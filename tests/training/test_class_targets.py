import numpy as np
import pytest
import torch

from boxable.training.class_targets import ancestor_matrix, class_targets
from boxable.training.targets import BatchTargets, ImageTargets, collate_targets
from boxable.vocabulary import ClassList, open_images

CLASSES = ClassList.from_names(["Vehicle", "Car", "Limousine", "Person", "robot"])
VEHICLE, CAR, LIMOUSINE, PERSON, ROBOT = range(5)


def targets(
    match: list[int], columns: list[int], verified: list[int], weights: list[float] | None = None
) -> BatchTargets:
    image = ImageTargets(
        np.array(match, np.int16), np.zeros((len(columns), 4), np.float32), np.array(columns, np.int64),
        np.array(weights or [1] * len(columns), np.float32), np.isin(np.arange(5), verified),
    )  # fmt: skip
    return collate_targets([image])


def test_ancestors_are_those_of_the_hierarchy() -> None:
    matrix = ancestor_matrix(CLASSES)
    assert matrix.nonzero().tolist() == [[CAR, VEHICLE], [LIMOUSINE, VEHICLE], [LIMOUSINE, CAR]]
    assert ancestor_matrix(ClassList(())).shape == (0, 0)
    # SEMANTICS §8: 511 of the 601 classes have ancestors, 76 have descendants.
    everything = ancestor_matrix(open_images())
    assert (int(everything.any(1).sum()), int(everything.any(0).sum())) == (511, 76)


def test_a_box_is_of_its_class_and_its_ancestors_and_perhaps_of_a_descendant() -> None:
    labels, weights = class_targets(targets([0], [CAR], list(range(5))), ancestor_matrix(CLASSES))
    assert labels.tolist() == [[[1, 1, 0, 0, 0]]]
    assert weights.tolist() == [[[1, 1, 0, 1, 1]]]
    assert (labels.dtype, weights.dtype) == (torch.bool, torch.float32)


@pytest.mark.parametrize(
    ("verified", "on_box", "elsewhere"),
    [
        pytest.param([CAR, PERSON], [1, 1, 0, 1, 0], [0, 1, 0, 1, 0], id="an ancestor counts where there is a box"),
        pytest.param([], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], id="and so does the class"),
        pytest.param([LIMOUSINE], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0], id="a descendant only where there is none"),
    ],
)
def test_only_verified_classes_are_negatives(verified: list[int], on_box: list[int], elsewhere: list[int]) -> None:
    labels, weights = class_targets(targets([-1, 0], [CAR], verified), ancestor_matrix(CLASSES))
    assert labels.tolist() == [[[0, 0, 0, 0, 0], [1, 1, 0, 0, 0]]]
    assert weights.tolist() == [[elsewhere, on_box]]


def test_ignored_anchors_do_not_count_and_others_have_the_weight_of_their_box() -> None:
    found = targets([1, -2, 0], [PERSON, ROBOT], [PERSON, ROBOT], [0.5, 0.25])
    labels, weights = class_targets(found, ancestor_matrix(CLASSES))
    assert labels.tolist() == [[[0, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0]]]
    assert weights.tolist() == [[[0, 0, 0, 0.25, 0.25], [0, 0, 0, 0, 0], [0, 0, 0, 0.5, 0.5]]]
