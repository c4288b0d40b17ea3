"""Check the tables of a data folder, in batches."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.datasets.arrow_tables import batches, numbers
from boxable.datasets.index import FLAGS, ROTATIONS, Index
from boxable.datasets.layout import BOXES, CLASSES, DESCRIPTION, IMAGE_LABELS, IMAGES, MADE_BY_FETCH, DataFolder
from boxable.findings import MAX_EXAMPLES, Finding, until
from boxable.formats.columns import BOX_COLUMNS, IMAGE_COLUMNS, LABEL_COLUMNS
from boxable.formats.openimages_reading import read_classes
from boxable.vocabulary import open_images

_SIDES = ("XMin", "XMax", "YMin", "YMax")
# Rounding may move a coordinate so far outside the image.
_ROUNDING = 1e-6
_KNOWN = "every class is known"


def check_tables(folder: DataFolder, index: Index, stop: threading.Event) -> list[Finding]:
    """Check each table, and that they agree, as far as it gets until `stop`."""
    known = (
        {item.mid for item in read_classes(folder.classes)} if folder.classes else {item.mid for item in open_images()}
    )
    is_listed, findings = _images(folder.images, index, stop) if folder.images else (None, [])
    findings = [*_complete(folder), *findings]
    if folder.boxes:
        findings += _boxes(folder.boxes, known, stop)
        findings += _belonging(folder.boxes, index, index.box_starts, index.box_label, is_listed, stop)
    if folder.image_labels:
        findings += _labels(folder.image_labels, known, stop)
        findings += _belonging(folder.image_labels, index, index.label_starts, index.image_label, is_listed, stop)
    return findings


def _complete(folder: DataFolder) -> list[Finding]:
    """Check that a fetched folder has all its tables; others may lack some."""
    if folder.about.get("made_by") != MADE_BY_FETCH:
        return []
    finding = Finding(DESCRIPTION, "a fetched folder has all its tables; fetch again for missing ones")
    tables = {BOXES: folder.boxes, IMAGE_LABELS: folder.image_labels, IMAGES: folder.images, CLASSES: folder.classes}
    for name, path in tables.items():
        finding.add(1, path is None, [] if path else [name])
    return [finding]


def _images(path: Path, index: Index, stop: threading.Event) -> tuple[NDArray[np.bool_], list[Finding]]:
    """Check the table of images; also return which images of the index have a row, bool `[I]`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    once = Finding(path.name, "every image has one row")
    turns = Finding(path.name, f"Rotation is {', '.join(map(str, ROTATIONS))} or empty")
    parts = []
    columns = {name: IMAGE_COLUMNS[name] for name in ("ImageID", "Rotation")}
    for batch in until(stop, batches(path, columns)):
        rotation = numbers(batch, "Rotation")
        _judge(turns, batch, ~np.isin(rotation, ROTATIONS) & ~np.isnan(rotation), ["Rotation"])
        parts.append(batch.column("ImageID"))
    # All at once: every call makes a table of all ids.
    places = pc.index_in(pa.chunked_array(parts, pa.string()), value_set=index.ids).drop_null()
    rows = np.bincount(places.to_numpy(), minlength=len(index))
    again = np.flatnonzero(rows > 1)
    examples = (f"{index.ids[place].as_py()}: {rows[place]} rows" for place in again[:MAX_EXAMPLES].tolist())
    once.add(int(np.count_nonzero(rows)), len(again), examples)
    return rows > 0, [once, turns]


def _boxes(path: Path, known: set[str], stop: threading.Event) -> list[Finding]:
    inside = Finding(path.name, "boxes are inside their image")
    upright = Finding(path.name, "boxes have their sides in order, and an area")
    flags = Finding(path.name, "flags are 0, 1 or -1")
    classes = Finding(path.name, _KNOWN)
    for batch in until(stop, batches(path, BOX_COLUMNS)):
        sides = np.stack([numbers(batch, name) for name in _SIDES], axis=1)
        _judge(inside, batch, ~((sides >= -_ROUNDING) & (sides <= 1 + _ROUNDING)).all(axis=1), _SIDES)
        _judge(upright, batch, (sides[:, 0] >= sides[:, 1]) | (sides[:, 2] >= sides[:, 3]), _SIDES)
        values = np.stack([numbers(batch, name) for name in FLAGS], axis=1)
        _judge(flags, batch, ((values < -1) | (values > 1)).any(axis=1), FLAGS)
        _judge_classes(classes, batch, known)
    return [inside, upright, flags, classes]


def _labels(path: Path, known: set[str], stop: threading.Event) -> list[Finding]:
    confidence = Finding(path.name, "Confidence is from 0 to 1")
    classes = Finding(path.name, _KNOWN)
    for batch in until(stop, batches(path, LABEL_COLUMNS)):
        values = numbers(batch, "Confidence")
        _judge(confidence, batch, ~((values >= 0) & (values <= 1)), ["LabelName", "Confidence"])
        _judge_classes(classes, batch, known)
    return [confidence, classes]


def _belonging(
    path: Path,
    index: Index,
    starts: NDArray[np.int64],
    labels: NDArray[np.int32],
    is_listed: NDArray[np.bool_] | None,
    stop: threading.Event,
) -> list[Finding]:
    """Check that the rows of a table, sorted by image in the index, are of listed images."""
    if is_listed is None:
        return []
    finding = Finding(path.name, "every row belongs to a listed image")
    if not stop.is_set():  # else not all of the list was read
        rows = np.diff(starts)
        unlisted = np.flatnonzero(~is_listed & (rows > 0))
        examples = (
            f"{index.ids[place].as_py()}: LabelName {index.mids[labels[starts[place]]]}"
            for place in unlisted[:MAX_EXAMPLES].tolist()
        )
        finding.add(int(rows.sum()), int(rows[unlisted].sum()), examples)
    return [finding]


def _judge(finding: Finding, batch: Any, wrong: Any, columns: Any) -> None:
    """Count the rows that are wrong, bool `[N]`; an example gives the image id and these columns."""
    finding.add(len(wrong), int(np.count_nonzero(wrong)), _examples(batch, np.flatnonzero(wrong), columns))


def _examples(batch: Any, rows: NDArray[np.intp], columns: Any) -> Iterator[str]:
    for row in rows[:MAX_EXAMPLES].tolist():
        values = ", ".join(f"{name} {_plain(batch.column(name)[row].as_py())}" for name in columns)
        yield f"{batch.column('ImageID')[row].as_py()}: {values}"


def _judge_classes(finding: Finding, batch: Any, known: set[str]) -> None:
    """Count the rows of unknown classes; an example is a class."""
    coded = batch.column("LabelName")
    mids = coded.dictionary.to_pylist()
    counts = np.bincount(coded.indices.to_numpy(), minlength=len(mids)).tolist()
    unknown = [mid for mid, count in zip(mids, counts, strict=True) if count and mid not in known]
    wrong = sum(count for mid, count in zip(mids, counts, strict=True) if mid not in known)
    examples = (mid or "(empty)" for mid in unknown)
    finding.add(batch.num_rows, wrong, (mid for mid in examples if mid not in finding.examples))


def _plain(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:g}" if isinstance(value, float) else str(value)
