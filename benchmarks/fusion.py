"""Weighted boxes fusion beside the package `ensemble-boxes`: the same boxes of three detectors, in turn.

    make .venv/optional
    .venv-optional/bin/python benchmarks/fusion.py

Boxes are as detectors give them: 100 an image at most, of few classes in each image. The package takes an image at a
time; its first call, which compiles it, is not counted.
"""

import ensemble_boxes
import numpy as np
from measure import arguments, figure, interleaved_ms, machine, report

from boxable.arrays import Doubles, Integers
from boxable.weighted_boxes import fuse_boxes

DETECTORS, BOXES, CLASSES, OBJECTS, IOU = 3, 100, 601, 12, 0.55
# Boxes [N, 4], scores [N] and classes [N] of a detector in an image.
Found = tuple[Doubles, Doubles, Integers]


def detections(images: int, seed: int = 0) -> list[list[Found]]:
    """Make the detections of each detector in each image: boxes around the same few objects."""
    random = np.random.default_rng(seed)
    return [image(random) for _ in range(images)]


def image(random: np.random.Generator) -> list[Found]:
    places, labels = random.uniform(0, 0.6, (OBJECTS, 2)), random.integers(0, CLASSES, OBJECTS)
    found = []
    for _ in range(DETECTORS):
        chosen = random.integers(0, OBJECTS, BOXES)
        low = (places[chosen] + random.normal(0, 0.03, (BOXES, 2))).clip(0, 0.6)
        boxes = np.concatenate([low, low + 0.3 + random.uniform(-0.05, 0.05, (BOXES, 2))], axis=1)
        found.append((boxes, random.uniform(0.01, 1, BOXES), labels[chosen].astype(np.intp)))
    return found


def by_package(images: list[list[Found]]) -> None:
    for found in images:
        ensemble_boxes.weighted_boxes_fusion(*map(list, zip(*found, strict=True)), iou_thr=IOU)


def by_boxable(images: list[list[Found]]) -> None:
    parts = [part for found in images for part in found]
    numbers = np.repeat(np.arange(len(images)), DETECTORS * BOXES)
    boxes, scores, labels = (np.concatenate([part[place] for part in parts]) for place in range(3))
    fuse_boxes(
        numbers * CLASSES + labels, boxes, scores, models=DETECTORS, total_weight=DETECTORS, iou_threshold=IOU,
    )  # fmt: skip


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.set_defaults(rounds=7)
    options = parser.parse_args()
    figures = {}
    for count in (1, 100, 1000):
        images = detections(count)
        times = interleaved_ms(
            {"package": lambda images=images: by_package(images), "Boxable": lambda images=images: by_boxable(images)},
            options.rounds, warm_up=1,
        )  # fmt: skip
        for name, milliseconds in times.items():
            figures[f"{count:,} images, {name}"] = figure(milliseconds, "ms")
        target = ">= 10" if count > 1 else ""
        figures[f"{count:,} images, package / Boxable"] = figure(times["package"] / times["Boxable"], "x", target)
    report(figures, machine(("numpy", "ensemble-boxes")), options.out)


if __name__ == "__main__":
    main()
