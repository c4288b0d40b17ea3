"""Read predictions back from what `boxable detect` writes: json, jsonl, csv, and the folder of yolo."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from boxable.errors import ArgumentError
from boxable.files import files_below, reading
from boxable.formats.annotated.yolo_description import describe
from boxable.formats.annotations import Coded, Predictions, no_predictions
from boxable.formats.columns import Kind
from boxable.formats.tables import read_table
from boxable.images.image_ids import image_id
from boxable.images.sources import id_of_name

_LABELS = "labels"
_COLUMNS: dict[str, Kind] = {
    "source": "text", "image_id": "text", "mid": "text",
    "score": "number", "ymin": "number", "xmin": "number", "ymax": "number", "xmax": "number",
}  # fmt: skip
# An image, a MID, a score, and ymin, xmin, ymax, xmax.
_Row = tuple[str, str, float, float, float, float, float]


def is_label_folder(path: Path) -> bool:
    """Tell whether this is a folder of YOLO labels, by the names in it."""
    return (path / _LABELS).is_dir()


def holds_records(path: Path) -> bool:
    """Tell whether a file is JSON lines, or a JSON list that begins with the record of an image."""
    if path.name.lower().endswith(".jsonl"):
        return True
    try:
        with path.open("rb") as file:
            return re.match(rb"\s*\[\s*\{\s*\"source\"", file.read(1 << 12)) is not None
    except OSError:
        return False


def read_records(path: Path) -> Predictions:
    """Read records of images, as a list or as lines. Raises ArgumentError for other content, with its line."""
    lines = path.name.lower().endswith(".jsonl")
    try:
        with reading(path):
            text = path.read_text("utf-8")
        records = list(_lines(text, path) if lines else json.loads(text))
        _require_one_source(path, ((_id_of(record), str(record["source"])) for record in records))
        return _predictions(row for record in records for row in _rows(record))
    except ArgumentError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ArgumentError(f"{path}: {what}; expected records of images as `boxable detect` writes them") from None


def _lines(text: str, path: Path) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ArgumentError(f"{path}, line {number}: no JSON ({error})") from None


def _id_of(record: Any) -> str:
    return str(record.get("image_id") or id_of_name(record["source"]))


def _require_one_source(path: Path, named: Iterable[tuple[str, str]]) -> None:
    """Raise ArgumentError where detections of two images have one id, since they would count as those of one."""
    sources: dict[str, str] = {}
    for name, source in named:
        other = sources.setdefault(name, source)
        if other != source:
            raise ArgumentError(
                f"{path}: {other} and {source} have the same image id {name!r}; rename one of them and detect again"
            )


def _rows(record: Any) -> Iterator[_Row]:
    name = _id_of(record)
    for item in record["detections"]:
        ymin, xmin, ymax, xmax = item["box"]
        yield (name, str(item["mid"]), item["score"], ymin, xmin, ymax, xmax)


def read_detection_table(path: Path) -> Predictions:
    """Read csv of `boxable detect`."""
    table = read_table(path, _COLUMNS)
    box = np.stack([table.number(name) for name in ("ymin", "xmin", "ymax", "xmax")], axis=1)
    images, sources = table.text("image_id"), table.text("source")
    pairs = np.unique(np.stack([images.codes, sources.codes], axis=1), axis=0).tolist()
    _require_one_source(path, ((images.values[image], sources.values[source]) for image, source in pairs))
    return Predictions(images, table.text("mid"), box, table.number("score"))


def read_label_folder(folder: Path) -> Predictions:
    """Read label files with scores, whose class numbers data.yaml beside labels/ names."""
    classes = describe(folder).classes
    rows: list[_Row] = []
    for name, path in files_below(folder / _LABELS):
        if name.lower().endswith(".txt"):
            for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
                rows += _label(image_id(name), line.split(), f"{path}, line {number}", classes)
    return _predictions(rows)


def _label(name: str, cells: list[str], place: str, classes: Any) -> Iterator[_Row]:
    if not cells:
        return
    try:
        number, x, y, width, height, score = map(float, cells)
    except ValueError:
        raise ArgumentError(f"{place}: expected class, centre x and y, width, height and score") from None
    if number not in classes:
        raise ArgumentError(f"{place}: class {cells[0][:20]!r}; expected a number that data.yaml names")
    yield (name, classes[int(number)].mid, score, y - height / 2, x - width / 2, y + height / 2, x + width / 2)


def _predictions(rows: Iterable[_Row]) -> Predictions:
    rows = list(rows)
    if not rows:
        return no_predictions()
    images, mids, *numbers = zip(*rows, strict=True)
    score, *box = (np.array(column, np.float64) for column in numbers)
    return Predictions(Coded.of(images), Coded.of(mids), np.stack(box, axis=1), score)
