"""Fine-tuning on a set: validation mAP@0.5 of random variables, the original recipe, and the default one by scope.

    python benchmarks/finetuning.py ../shared/data/tune-alpaca --minutes 10 --out alpaca.json

Every run has the same minutes and cores, and is a command of its own. Intervals are of 1,000 bootstrap draws of the
validation images; differences to `auto` are paired. The time of the first checkpoint with half of the final mAP counts
from the start of the process. `--kinds hour` adds an hour of everything.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from measure import machine

from boxable.metrics.compare import compare
from boxable.metrics.evaluate import RESAMPLES, Evaluation
from boxable.metrics.run import as_run
from boxable.training.checkpoints import STATE
from boxable.training.data import open_training_data
from boxable.training.validation import Validation
from boxable.weights.pull import open_model
from boxable.weights.store import BEST

KINDS = {
    "random": ["--from", "random", "--train", "all"],
    "original": ["--recipe", "original", "--train", "all"],
    "head": ["--train", "head"],
    "neck": ["--train", "neck"],
    "auto": ["--train", "auto"],
    "hour": ["--train", "all"],
}
BASE, POLL_S, HOUR = "auto", 0.5, 60


@dataclass(frozen=True)
class Row:
    """A run: seconds until the first checkpoint with half of the final mAP, and until the end; mAP with its interval.

    `change` is `auto` minus this run, with its paired interval.
    """

    kind: str
    seconds: float
    half_s: float
    map: float
    interval: tuple[float, float] | None
    change: float = 0.0
    change_interval: tuple[float, float] | None = None


def trained(data: Path, kind: str, minutes: float, out: Path, start: str) -> tuple[float, float]:
    """Run the command; return its seconds, and those until half of the final mAP."""
    command = [sys.executable, "-m", "boxable", "train", str(data), "--out", str(out), "--minutes", str(minutes)]
    command += KINDS[kind] if "--from" in KINDS[kind] else ["--from", start, *KINDS[kind]]
    began, checkpoints = time.monotonic(), []
    process = subprocess.Popen(command)
    while process.poll() is None:
        time.sleep(POLL_S)
        best = best_map(out)
        if best is not None and (not checkpoints or best != checkpoints[-1][1]):
            checkpoints.append((time.monotonic() - began, best))
    seconds = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    final = checkpoints[-1][1]
    return seconds, next(at for at, value in checkpoints if value >= final / 2)


def best_map(out: Path) -> float | None:
    try:
        return float(json.loads((out / BEST / STATE).read_text())["best_map"])
    except (OSError, ValueError):  # none yet, or it is being replaced
        return None


def main() -> None:
    import argparse

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--from", dest="start", default="ssd23")
    parser.add_argument("--kinds", default="random,original,head,neck,auto", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the figures to this file")
    given = parser.parse_args()
    about = machine(("torch", "numpy")) | {"set": given.data.name, "minutes": given.minutes}
    rows, evaluations = [], {}
    with tempfile.TemporaryDirectory() as folder, open_training_data(given.data) as data:
        validation = Validation(data.validation, data.annotations)
        for kind in given.kinds.split(","):
            out = Path(folder) / kind
            seconds, half_s = trained(given.data, kind, HOUR if kind == "hour" else given.minutes, out, given.start)
            found, _ = validation.measure(open_model(str(out)).model(), resamples=RESAMPLES)
            evaluations[kind] = found
            rows.append(Row(kind, round(seconds), round(half_s), found.mean_ap, found.interval))
            print(rows[-1], flush=True)
    rows = [compared(row, evaluations) for row in rows]
    print(table(rows, about))
    if given.out is not None:
        given.out.write_text(json.dumps({"machine": about, "runs": [asdict(row) for row in rows]}, indent=1) + "\n")


def compared(row: Row, evaluations: dict[str, Evaluation]) -> Row:
    if BASE not in evaluations or row.kind == BASE:
        return row
    runs = [as_run(evaluations[kind], Path(kind)) for kind in (row.kind, BASE)]
    change = compare(*runs).mean
    return Row(**asdict(row) | {"change": change.change, "change_interval": change.interval})


def table(rows: list[Row], about: dict[str, object]) -> str:
    lines = [
        f"{about['processor']}, {about['cores']} cores, {about['set']}, {about['minutes']:g} minutes",
        "| run | mAP@0.5 | 95 % | auto minus it | 95 % | half of it after | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        change = "" if row.kind == BASE else f"{row.change:+.3f}"
        lines.append(
            f"| {row.kind} | {row.map:.3f} | {between(row.interval)} | {change} | {between(row.change_interval)} "
            f"| {row.half_s:.0f} s | {row.seconds:.0f} |"
        )
    return "\n".join(lines)


def between(interval: tuple[float, float] | None) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""


if __name__ == "__main__":
    main()
