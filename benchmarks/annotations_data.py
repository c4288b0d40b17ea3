"""The table that annotations.py reads: as large as the official one of V4 train, and like it."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from boxable.vocabulary import open_images

# Of the train set of V4: boxes, and images with boxes.
ROWS, IMAGES = 14_610_229, 1_743_042
HEADER = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside"
_GENUINE = Path(__file__).parent.parent.parent / "shared" / "data" / "annotations-only"
_CHUNK = 1_000_000
# How often a flag is set in the genuine rows of validation and train, roughly.
_FLAGS = {"IsOccluded": 0.6, "IsTruncated": 0.25, "IsGroupOf": 0.06, "IsDepiction": 0.05, "IsInside": 0.001}


def official_table(path: Path, rows: int = ROWS) -> Path:
    """Write a CSV of so many boxes, if it is not there: sorted random ids, classes by a Zipf law, six decimals."""
    if path.exists():
        return path
    random = np.random.default_rng(17)
    images = max(1, round(rows * IMAGES / ROWS))
    ids = np.sort(random.integers(0, 2**63, images, np.int64))
    owner = np.sort(np.concatenate([np.arange(images)[:rows], random.integers(0, images, max(0, rows - images))]))
    classes = pa.array(classes_by_frequency())
    share = 1 / np.arange(1, len(classes) + 1)
    decimals = pa.array([f"{number / 1e6:.6f}" for number in range(1_000_001)])
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        file.write(HEADER.encode() + b"\n")
        for start in range(0, rows, _CHUNK):
            mine = owner[start : start + _CHUNK]

            def drawn(values: list[str], often: float, count: int = len(mine)) -> pa.Array:
                return pa.array(values).take(pa.array((random.random(count) < often).astype(np.int8)))

            sides = [np.sort(random.integers(0, 1_000_001, (2, len(mine))), axis=0) for _ in "xy"]
            cells = [
                pa.array([f"{number:016x}" for number in ids[mine[0] : mine[-1] + 1]]).take(pa.array(mine - mine[0])),
                drawn(["xclick", "activemil"], 0.1),
                classes.take(pa.array(random.choice(len(classes), len(mine), p=share / share.sum()))),
                pa.repeat("1", len(mine)),
                *(decimals.take(pa.array(side)) for pair in sides for side in pair),
                *(drawn(["0", "1"], often) for often in _FLAGS.values()),
            ]
            lines = pc.binary_join_element_wise(*cells, ",")
            file.write("\n".join(lines.to_pylist()).encode() + b"\n")
    partial.rename(path)
    return path


def classes_by_frequency() -> list[str]:
    """List the MIDs, the most frequent of the genuine rows first, then the others in random order."""
    counts: Counter[str] = Counter()
    for name in ("train-annotations-bbox.first-10-photos.csv", "validation-annotations-bbox.first-16-photos.csv"):
        if (_GENUINE / name).exists():
            with (_GENUINE / name).open(encoding="utf-8") as file:
                counts.update(row["LabelName"] for row in csv.DictReader(file))
    others = [item.mid for item in open_images() if item.mid not in counts]
    np.random.default_rng(17).shuffle(others)
    return [mid for mid, _ in counts.most_common()] + others
