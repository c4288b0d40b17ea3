"""A data set of many images, made at random from a seed, and a detector that finds a part of it."""

import random

from tests.evaluation.made import A, B, Box, Found, Truth

IMAGES = [f"image{number:02}" for number in range(40)]
_PLACES: list[Box] = [(y / 4, x / 4, (y + 1) / 4, (x + 1) / 4) for y in range(4) for x in range(4)]


def scene(seed: int = 0, images: list[str] = IMAGES) -> list[Truth]:
    """Two boxes of class a and one of b in each image, nowhere on each other; some are group-of boxes."""
    draw = random.Random(seed)
    rows = []
    for image in images:
        for label, box in zip((A, A, B), draw.sample(_PLACES, 3), strict=True):
            rows.append(Truth(image, label, box, group_of=int(draw.random() < 0.1)))
    return rows


def detector(truth: list[Truth], share: dict[str, float], seed: int = 1) -> list[Found]:
    """Finds this share of the boxes of a class, and as many false places. Larger shares find what smaller ones do."""
    draw = random.Random(seed)
    found = []
    for row in truth:
        luck, score, false_score, place = draw.random(), draw.random(), draw.random(), draw.choice(_PLACES)
        if luck < share[row.label]:
            found.append(Found(row.image, row.label, score, row.box))
        found.append(Found(row.image, row.label, false_score * 0.5, place))
    return found
