"""Recorded runs: what `boxable evaluate --out` writes and `boxable compare` reads."""

import csv
import io
import json
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.files import atomic_path, write_atomically
from boxable.metrics.average_precision import Entries
from boxable.metrics.evaluate import Evaluation

METRICS, CLASSES, ENTRIES = "metrics.json", "per-class.csv", "entries.npz"


@dataclass(frozen=True, slots=True, eq=False)
class RecordedRun:
    """An evaluation as it was written: metrics.json, and the entries that its APs come from."""

    folder: Path
    metrics: dict[str, Any]
    entries: Entries
    images: list[str]
    mids: list[str]


def as_run(evaluation: Evaluation, folder: Path) -> RecordedRun:
    """Convert an evaluation to the run that would be read from this folder."""
    data = evaluation.data
    return RecordedRun(folder, evaluation.to_dict(), evaluation.ranking.entries, data.images, data.mids)


def write_run(evaluation: Evaluation, folder: Path) -> None:
    """Write metrics.json, per-class.csv and entries.npz."""
    arrays = {field.name: getattr(evaluation.ranking.entries, field.name) for field in fields(Entries)}
    with atomic_path(folder / ENTRIES) as path, path.open("wb") as file:
        np.savez_compressed(
            file, images=np.array(evaluation.data.images), mids=np.array(evaluation.data.mids), **arrays
        )
    write_atomically(folder / CLASSES, _class_table(evaluation).encode())
    text = json.dumps(evaluation.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(folder / METRICS, text.encode())


def read_run(folder: Path) -> RecordedRun:
    """Read what `write_run` wrote. Raises ArgumentError for a folder that holds no run."""
    try:
        metrics = json.loads((folder / METRICS).read_bytes())
        if not _is_whole(metrics):
            raise ValueError(METRICS)
        with (folder / ENTRIES).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            entries = Entries(**{field.name: arrays[field.name] for field in fields(Entries)})
            run = RecordedRun(folder, metrics, entries, arrays["images"].tolist(), arrays["mids"].tolist())
        if not (
            _below(entries.label, run.mids)
            and _below(entries.image, run.images)
            and _below(entries.truth_label, run.mids)
            and _below(entries.truth_image, run.images)
        ):
            raise ValueError(ENTRIES)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ArgumentError(
            f"{folder}: {METRICS} or {ENTRIES} is missing or damaged; expected what `boxable evaluate --out` wrote"
        ) from error
    return run


def _is_whole(metrics: Any) -> bool:
    """Test whether metrics.json is complete enough for a comparison."""
    return (
        isinstance(metrics, dict)
        and isinstance(metrics.get("protocol"), str)
        and isinstance(metrics.get("ground_truth"), str)
        and isinstance(metrics.get("switches"), dict)
        and isinstance(metrics.get("classes"), dict)
        and all(isinstance(row["AP"], float | int | None) and isinstance(row["name"], str)
                for row in metrics["classes"].values())
    )  # fmt: skip


def _below(numbers: NDArray[np.integer], names: list[str]) -> bool:
    return not len(numbers) or (int(numbers.min()) >= 0 and int(numbers.max()) < len(names))


def _class_table(evaluation: Evaluation) -> str:
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(("LabelName", "DisplayName", "AP", "Low", "High", "GroundTruth", "Detections", "Found"))
    for result in evaluation.results:
        low, high = result.interval or ("", "")
        ap = "" if np.isnan(result.ap) else result.ap
        write((result.item.mid, result.item.name, ap, low, high, result.ground_truth, result.detections, result.found))
    return text.getvalue()
