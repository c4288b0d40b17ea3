"""A run on disk: what `boxable evaluate --out` writes and `boxable compare` reads."""

import csv
import io
import json
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from boxable.errors import ArgumentError
from boxable.evaluation.average_precision import Entries
from boxable.evaluation.evaluate import Evaluation
from boxable.files import atomic_path, write_atomically

_WANTED = {"protocol", "switches", "ground_truth", "classes"}
METRICS, CLASSES, ENTRIES = "metrics.json", "classes.csv", "entries.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """An evaluation as it was written: metrics.json, and the entries that its APs come from."""

    folder: Path
    metrics: dict[str, Any]
    entries: Entries
    images: list[str]
    mids: list[str]


def write_run(evaluation: Evaluation, folder: Path) -> None:
    """Write metrics.json, classes.csv and entries.npz."""
    arrays = {field.name: getattr(evaluation.ranking.entries, field.name) for field in fields(Entries)}
    with atomic_path(folder / ENTRIES) as path, path.open("wb") as file:
        np.savez_compressed(
            file, images=np.array(evaluation.problem.images), mids=np.array(evaluation.problem.mids), **arrays
        )
    write_atomically(folder / CLASSES, _class_table(evaluation).encode())
    text = json.dumps(evaluation.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / METRICS, text.encode())


def read_run(folder: Path) -> Run:
    """Read what `write_run` wrote. Raises ArgumentError for a folder that holds no run."""
    try:
        metrics = json.loads((folder / METRICS).read_bytes())
        if not isinstance(metrics, dict) or not metrics.keys() >= _WANTED:
            raise ValueError(f"{METRICS} lacks what is needed")
        with (folder / ENTRIES).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            entries = Entries(**{field.name: arrays[field.name] for field in fields(Entries)})
            return Run(folder, metrics, entries, arrays["images"].tolist(), arrays["mids"].tolist())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArgumentError(
            f"{folder}: no run in it ({reason}); expected what `boxable evaluate --out` wrote"
        ) from error


def _class_table(evaluation: Evaluation) -> str:
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(("LabelName", "DisplayName", "AP", "Low", "High", "GroundTruth", "Detections", "Found"))
    for result in evaluation.results:
        low, high = result.interval or ("", "")
        ap = "" if np.isnan(result.ap) else result.ap
        write((result.item.mid, result.item.name, ap, low, high, result.ground_truth, result.detections, result.found))
    return text.getvalue()
