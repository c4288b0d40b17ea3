"""Small data sets, drawn at random."""

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

from tests.evaluation.made import ANIMAL, CAR, CAT, DOG, Box, Found, Seen, Truth

IMAGES = ("i", "j", "k")
LABELS = (DOG, CAT, ANIMAL, CAR)


class Data(NamedTuple):
    truth: list[Truth]
    labels: list[Seen]
    found: list[Found]


# A coarse grid, so that boxes touch, repeat, tie and overlap by exactly a half.
_STEPS = st.integers(0, 4).map(lambda number: number / 4)
_SOME_IMAGE, _SOME_LABEL = st.sampled_from(IMAGES), st.sampled_from(LABELS)


@st.composite
def _box(draw: Callable[[st.SearchStrategy[float]], float]) -> Box:
    ymin, ymax = sorted((draw(_STEPS), draw(_STEPS)))
    xmin, xmax = sorted((draw(_STEPS), draw(_STEPS)))
    return ymin, xmin, ymax, xmax


_ANY_BOX = st.tuples(_STEPS, _STEPS, _STEPS, _STEPS)
_TRUTH = st.builds(Truth, _SOME_IMAGE, _SOME_LABEL, _box(), st.sampled_from((0, 0, 1, -1)), st.booleans())
_SEEN = st.builds(Seen, _SOME_IMAGE, _SOME_LABEL, st.sampled_from((1, 0)))


@st.composite
def data(draw: Callable[..., object], *, tied: bool = False) -> Data:
    """Ground truth, image labels and predictions; no two scores are equal, or, if `tied`, most."""
    found = draw(st.lists(st.tuples(_SOME_IMAGE, _SOME_LABEL, st.one_of(_box(), _ANY_BOX)), max_size=12))
    assert isinstance(found, list)
    if tied:
        scores = [draw(st.sampled_from((0.0, 0.5, 1.0))) for _ in found]
    else:
        scores = [rank / 16 for rank in draw(st.permutations(range(len(found))))]  # type: ignore[attr-defined]
    rows = [Found(image, label, score, box) for (image, label, box), score in zip(found, scores, strict=True)]
    return Data(draw(st.lists(_TRUTH, max_size=10)), draw(st.lists(_SEEN, max_size=4)), rows)  # type: ignore[arg-type]


@st.composite
def competing(draw: Callable[..., object]) -> Data:
    """Detections with equal scores in one image and class, where ordinary boxes and one group-of box overlap."""
    low, high = st.sampled_from((0.0, 0.25)), st.sampled_from((0.75, 1.0))
    large = st.tuples(low, low, high, high)
    truth = draw(st.lists(large, min_size=1, max_size=3, unique=True))
    found = draw(st.lists(st.tuples(large, st.sampled_from((0.5, 0.5, 1.0))), min_size=2, max_size=4))
    group = draw(st.sampled_from([(0, 0, 0.5, 1), (0, 0, 0.5, 0.75), (0.25, 0.5, 1, 1)]))
    return Data(
        [*(Truth("i", DOG, box) for box in truth), Truth("i", DOG, group, group_of=1)],  # type: ignore[arg-type, attr-defined]
        [],
        [Found("i", DOG, score, box) for box, score in found],  # type: ignore[attr-defined]
    )


@st.composite
def boxes_apart(draw: Callable[..., object]) -> list[Truth]:
    """Boxes with an area, none of them a group-of box, no two the same in an image."""
    sound = _TRUTH.map(lambda row: row._replace(group_of=0, difficult=False)).filter(
        lambda row: row.box[0] < row.box[2] and row.box[1] < row.box[3]
    )
    rows = draw(st.lists(sound, min_size=1, max_size=10, unique_by=lambda row: (row.image, row.box)))
    assert isinstance(rows, list)
    return rows
