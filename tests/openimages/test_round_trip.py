"""Any annotated set, in any format and back, keeps what the format holds: ids, splits, classes, boxes, flags."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxable.datasets.annotated_formats import FORMATS, open_set
from boxable.evaluation.evaluate_files import evaluate
from boxable.formats.columns import IS_DIFFICULT, SUBSETS
from boxable.metrics.protocols import PROTOCOLS
from boxable.openimages.convert_set import convert
from tests.openimages.made import BOX_HEADER, CAT, DOG, FLAGS, jpeg, write_csv

WRITTEN = [name for name, known in FORMATS.items() if known.write]
WIDTH, HEIGHT = 16, 8
CLASSES = {CAT: "Cat", "user/bolt": 'Bolt, "M8"', DOG: "Dog", "user/名": "名前"}

IDS = st.text("ab01_.-~ é名", min_size=1, max_size=8).filter(lambda name: not name.startswith("."))
# Whole pixels, which every format holds.
SIDES = [st.tuples(st.integers(0, n - 1), st.integers(1, n)).filter(lambda ends: ends[0] < ends[1]) for n in (16, 8)]
BOXES = st.tuples(st.sampled_from(list(CLASSES)), *SIDES, st.tuples(*[st.sampled_from([-1, 0, 1])] * 5), st.booleans())
SETS = st.dictionaries(
    IDS, st.tuples(st.sampled_from(["", *SUBSETS]), st.lists(BOXES, max_size=3)), min_size=1, max_size=4
).filter(lambda images: any(boxes for _, boxes in images.values()))


def tables_of(folder: Path, images: dict[str, Any]) -> Path:
    rows = [
        (name, "xclick", mid, 1, *np.divide(x, WIDTH), *np.divide(y, HEIGHT), *flags, int(difficult))
        for name, (_, boxes) in images.items()
        for mid, x, y, flags, difficult in boxes
    ]
    write_csv(folder / "annotations-bbox.csv", (*BOX_HEADER, IS_DIFFICULT), rows)
    listed = [(name, split, WIDTH, HEIGHT) for name, (split, _) in images.items()]
    write_csv(folder / "images.csv", ("ImageID", "Subset", "Width", "Height"), listed)
    write_csv(folder / "classes.csv", ("LabelName", "DisplayName"), CLASSES.items())
    (folder / "images").mkdir()
    for name in images:
        (folder / "images" / f"{name}.jpg").write_bytes(jpeg(WIDTH, HEIGHT))
    return folder


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=15, deadline=None)
@given(images=SETS)
def test_any_set_comes_back(tmp_path_factory: pytest.TempPathFactory, name: str, images: dict[str, Any]) -> None:
    folder, known = tmp_path_factory.mktemp("round"), FORMATS[name]
    source = tables_of(folder / "set", images)
    dest = folder / ("made.json" if known.makes == "file" else "made")
    convert(source, dest, name)
    found = {image.image_id: image for image in open_set(dest).images}
    assert sorted(found) == sorted(images)
    several = len({split for split, _ in images.values() if split}) > 1
    for image_id, (split, boxes) in images.items():
        image = found[image_id]
        assert image.labels == [mid for mid, *_ in boxes]
        expected = [[y[0] / HEIGHT, x[0] / WIDTH, y[1] / HEIGHT, x[1] / WIDTH] for _, x, y, *_ in boxes]
        np.testing.assert_allclose(image.box, np.reshape(expected, (-1, 4)), atol=1e-7)
        assert (image.file is None) == (known.makes == "file")
        for number, flag in enumerate(FLAGS):
            if flag in known.flags:
                flags = [row[3][number] for row in boxes]
                kept = zip(image.flags[flag].tolist(), flags, strict=True)
                assert all(after == before for after, before in kept if known.unknown or before != -1)
        if IS_DIFFICULT in known.flags and IS_DIFFICULT in image.flags:
            assert image.flags[IS_DIFFICULT].tolist() == [int(difficult) for *_, difficult in boxes]
        if name in ("openimages", "parquet") or (name == "yolo" and several and split):
            assert image.split == split


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        (name, flags)
        for name in WRITTEN
        for flags in ((-1,), (0,), (-1, 0, 1))
        if len(flags) == 1 or "IsGroupOf" in FORMATS[name].flags
    ],
)
def test_conversion_changes_no_mean_ap(tmp_path: Path, name: str, flags: tuple[int, ...]) -> None:
    rng = np.random.default_rng(7)
    images: dict[str, Any] = {}
    found = []
    for image in ("a", "b", "c", "d"):
        boxes = []
        for mid in rng.choice([CAT, DOG], 4).tolist():
            x, y = (sorted(rng.choice(side + 1, 2, replace=False).tolist()) for side in (WIDTH, HEIGHT))
            boxes.append((mid, x, y, (-1, -1, int(rng.choice(flags)), -1, -1), False))
            noise = rng.normal(0, 0.06, 4)
            sides = np.divide([*x, *y], [WIDTH, WIDTH, HEIGHT, HEIGHT]) + noise
            found.append((image, mid, round(rng.random(), 6), *sides.tolist()))
        images[image] = ("", boxes)
    source = tables_of(tmp_path / "set", images)
    scored = tmp_path / "found.csv"
    write_csv(scored, ("ImageID", "LabelName", "Score", "XMin", "XMax", "YMin", "YMax"), found)
    there = tmp_path / ("made.json" if FORMATS[name].makes == "file" else "made")
    convert(source, there, name)
    convert(there, tmp_path / "back", "openimages")
    for protocol in PROTOCOLS:
        expected = evaluate(source, scored, protocol, resamples=0).mean_ap
        assert 0 < expected < 1
        for converted in (there, tmp_path / "back"):
            assert evaluate(converted, scored, protocol, resamples=0).mean_ap == pytest.approx(expected, abs=1e-9)
