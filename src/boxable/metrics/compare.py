"""Comparison of two runs on the same ground truth, with paired bootstrap intervals."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from boxable.errors import ArgumentError
from boxable.findings import counted
from boxable.metrics.average_precision import Ranking
from boxable.metrics.bootstrap import class_interval, interval, mean_of_known, resampled
from boxable.metrics.evaluate import RESAMPLES, SEED, Interval
from boxable.metrics.run import RecordedRun, read_run


@dataclass(frozen=True, slots=True)
class Difference:
    """Second minus first, with the 95 % interval of the difference (paired bootstrap over images)."""

    mid: str
    name: str
    first: float
    second: float
    interval: Interval

    @property
    def change(self) -> float:
        """Second minus first."""
        return self.second - self.first

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "mid": self.mid, "name": self.name, "first": self.first, "second": self.second,
            "change": self.change, "interval": self.interval and list(self.interval),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference of the means and of every class that both runs count, the greatest loss first.

    The means are over these classes; `skipped` names those that only one of the runs counts. `measured` says by
    what protocol and on how many images.
    """

    measured: str
    mean: Difference
    classes: list[Difference]
    skipped: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        classes = [difference.to_dict() for difference in self.classes]
        return {"measured": self.measured, "mAP": self.mean.to_dict(), "classes": classes, "left_out": self.skipped}


def compare_folders(
    first: str | os.PathLike[str], second: str | os.PathLike[str], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Comparison:
    """Compare two evaluations of the same ground truth, given the folders that `evaluate` wrote.

    Differences have 95 % intervals from a paired percentile bootstrap of `resamples` samples of images, drawn with
    `seed`. Raises ArgumentError if the two do not measure the same.
    """
    return compare(read_run(Path(first)), read_run(Path(second)), resamples=resamples, seed=seed)


def compare(first: RecordedRun, second: RecordedRun, *, resamples: int = RESAMPLES, seed: int = SEED) -> Comparison:
    """Compare two runs by the same draws of images. Raises ArgumentError if they do not measure the same."""
    _check_same(first, second)
    scored = [{mid for mid, row in run.metrics["classes"].items() if row["AP"] is not None} for run in (first, second)]
    mids = [mid for mid in first.mids if mid in scored[0] and mid in scored[1]]
    if not mids:
        raise ArgumentError(f"{first.folder} and {second.folder} count no class in common")
    aps = [np.array([run.metrics["classes"][mid]["AP"] for mid in mids]) for run in (first, second)]
    # COCO's draws would take its library a thousand times (see `evaluate`).
    draws = 0 if first.metrics["protocol"] == "coco" else resamples
    columns = [first.mids.index(mid) for mid in mids]
    rankings = [Ranking(run.entries, len(run.mids)) for run in (first, second)]
    samples = [resampled(ranking, len(first.images), draws, seed)[:, columns] for ranking in rankings]
    changes = samples[1] - samples[0]
    names = {mid: first.metrics["classes"][mid]["name"] for mid in mids}
    differences = [
        Difference(mid, names[mid], float(one), float(other), class_interval(rankings[0], other - one, change, column))
        for mid, one, other, change, column in zip(mids, *aps, changes.T, columns, strict=True)
    ]
    means = [float(mean_of_known(values)) for values in aps]
    change = interval(means[1] - means[0], mean_of_known(samples[1]) - mean_of_known(samples[0]))
    return Comparison(
        f"{first.metrics['protocol']}, {counted(len(first.images), 'image|s')}",
        Difference("", f"mean AP of {counted(len(mids), 'class|es')}", means[0], means[1], change),
        sorted(differences, key=lambda difference: (difference.change, difference.name)),
        sorted(
            run.metrics["classes"][mid]["name"]
            for run, own, other in ((first, scored[0], scored[1]), (second, scored[1], scored[0]))
            for mid in own - other
        ),
    )


def _check_same(first: RecordedRun, second: RecordedRun) -> None:
    for what, one, other in (
        ("protocol", first.metrics["protocol"], second.metrics["protocol"]),
        *((name, value, second.metrics["switches"].get(name)) for name, value in first.metrics["switches"].items()),
        ("number of images", len(first.images), len(second.images)),
        ("number of ground-truth boxes", len(first.entries.truth_label), len(second.entries.truth_label)),
    ):
        if one != other:
            raise ArgumentError(f"{first.folder} and {second.folder} differ in {what}: {one} and {other}")
    if first.metrics["ground_truth"] != second.metrics["ground_truth"]:
        raise ArgumentError(f"{first.folder} and {second.folder} were evaluated on different ground truth")
