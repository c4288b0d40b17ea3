"""The checksum of ground truth."""

from itertools import permutations

import pytest

from boxable.metrics.protocols import protocol_named
from tests.metrics.made import DOG, A, B, C, Seen, Truth, evaluated

HERE, THERE = (0, 0, 0.5, 0.5), (0.5, 0.5, 1, 1)


@pytest.mark.parametrize("protocol", ["challenge", "coco"])
def test_the_checksum_of_ground_truth_knows_no_order_of_rows(protocol: str) -> None:
    rules = protocol_named(protocol)
    boxes = [Truth("i", DOG, HERE), Truth("j", A, THERE, group_of=1), Truth("i", DOG, THERE), Truth("j", A, HERE)]
    labels = [Seen("i", B, 1), Seen("j", C, 0)]

    def digest(boxes: list[Truth], labels: list[Seen] = labels) -> str:
        return evaluated(boxes, [], rules, labels=labels).inputs.truth_digest()

    assert {digest(list(rows)) for rows in permutations(boxes)} == {digest(boxes)}
    assert digest(boxes, labels[::-1]) == digest(boxes)
    others = [
        boxes[:-1], [*boxes, boxes[0]], [boxes[0]._replace(image="j"), *boxes[1:]],
        [boxes[0]._replace(label=A), *boxes[1:]], [boxes[0]._replace(group_of=1), *boxes[1:]],
        [boxes[0]._replace(difficult=True), *boxes[1:]], [boxes[0]._replace(box=(0, 0, 0.5, 0.25)), *boxes[1:]],
    ]  # fmt: skip
    digests = [digest(boxes), digest(boxes, labels[:1]), *map(digest, others)]
    assert len(set(digests)) == len(digests)
