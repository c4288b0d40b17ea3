"""Class filter, hierarchy expansion and Parquet on a box table of the true size, against how it is done otherwise.

    python benchmarks/annotations.py [--classes SELECTION] [--folder DIR] [--rows N]

Row by row is the csv module from CSV to CSV, as the original's script works; pandas, as today's tools use it, gets
a slice. Every run has a process of its own, so that its peak of memory is its own too. Pandas may be missing.
"""

import csv
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from annotations_data import ROWS, official_table
from measure import arguments, figure, machine, peak_mb, report

from boxable.openimages.expand_table import expand_table
from boxable.vocabulary import open_images, open_images_hierarchy, select

SLICE = 1_000_000
MAX_SECONDS, MAX_MB, LEAST_RATIO = 40, 2000, 3


def ours(source: Path, folder: Path, classes: set[str]) -> int:
    return expand_table(source, folder / "ours.parquet", classes).rows_out


def row_by_row(source: Path, folder: Path, classes: set[str]) -> int:
    related = related_classes(classes)
    written = 0
    with source.open(newline="") as incoming, (folder / "rows.csv").open("w", newline="") as outgoing:
        rows, writer = csv.reader(incoming), csv.writer(outgoing)
        header = next(rows)
        column = header.index("LabelName")
        writer.writerow(header)
        for row in rows:
            for mid in related[row[column]]:
                row[column] = mid
                writer.writerow(row)
                written += 1
    return written


def with_pandas(source: Path, folder: Path, classes: set[str]) -> int:
    import pandas as pd

    pairs = [(mid, other) for mid, others in related_classes(classes).items() for other in others]
    related = pd.DataFrame(pairs, columns=["LabelName", "Related"])
    boxes = pd.read_csv(source, nrows=SLICE).merge(related, on="LabelName")
    boxes = boxes.drop(columns="LabelName").rename(columns={"Related": "LabelName"})
    boxes.to_parquet(folder / "pandas.parquet")
    return len(boxes)


def related_classes(classes: set[str]) -> dict[str, list[str]]:
    """Map each class to the classes that a row of it expands to."""
    hierarchy = open_images_hierarchy()
    return {
        item.mid: [mid for mid in (item.mid, *hierarchy.ancestors(item.mid)) if mid in classes]
        for item in open_images()
    }


WAYS = {"ours": ours, "row by row": row_by_row, "pandas": with_pandas}


def run_one(way: str, source: Path, folder: Path, selection: str) -> None:
    """Run a way in this process, and print its seconds, rows and peak of memory as JSON."""
    classes = {item.mid for item in select(selection)}
    start = time.perf_counter()
    rows = WAYS[way](source, folder, classes)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak_mb()}))


def measure(way: str, source: Path, folder: Path, selection: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--run", way, "--folder", str(folder), f"--classes={selection}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    for written in ("ours.parquet", "rows.csv", "pandas.parquet"):
        (folder / written).unlink(missing_ok=True)
    return result


def main() -> None:
    parser = arguments(__doc__.partition("\n")[0])
    parser.set_defaults(rounds=3)
    parser.add_argument("--classes", default="-Tortoise", help="what is kept (default: all but a rare class)")
    parser.add_argument("--rows", type=int, default=ROWS, help="of the table (default: as V4 train)")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "boxable-benchmark", help="keeps the table"
    )
    parser.add_argument("--run", choices=WAYS, help="run one way on SOURCE in this process")
    parser.add_argument("source", nargs="?", type=Path)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.run:
        return run_one(chosen.run, chosen.source, chosen.folder, chosen.classes)

    source = official_table(chosen.folder / f"boxes-{chosen.rows}.csv", chosen.rows)
    ways = [way for way in WAYS if way != "pandas" or importlib.util.find_spec("pandas")]
    rounds = [{way: measure(way, source, chosen.folder, chosen.classes) for way in ways} for _ in range(chosen.rounds)]
    typical = {way: {key: median(done[way][key] for done in rounds) for key in rounds[0][way]} for way in ways}
    ours_rows, their_rows = (rounds[0][way]["rows"] for way in ("ours", "row by row"))
    if ours_rows != their_rows:
        sys.exit(f"{ours_rows} rows by ours, {their_rows} row by row; expected as many")

    ratio = typical["row by row"]["seconds"] / typical["ours"]["seconds"]
    full = chosen.rows == ROWS
    figures = {
        f"ours, {chosen.rows:,} rows to {ours_rows:,}, seconds": figure(
            typical["ours"]["seconds"], "s", f"<= {MAX_SECONDS}" if full else ""
        ),
        "ours, peak of memory": figure(typical["ours"]["peak_mb"], "MB", f"<= {MAX_MB}"),
        "row by row, CSV to CSV, seconds": figure(typical["row by row"]["seconds"], "s"),
        "row by row, peak of memory": figure(typical["row by row"]["peak_mb"], "MB"),
        "row by row / ours, time": figure(ratio, "x", f">= {LEAST_RATIO}"),
    }
    if "pandas" in typical:
        per_row = typical["pandas"]["seconds"] / min(SLICE, chosen.rows)
        figures |= {
            f"pandas, {SLICE:,} rows, seconds": figure(typical["pandas"]["seconds"], "s"),
            f"pandas, {SLICE:,} rows, peak of memory": figure(typical["pandas"]["peak_mb"], "MB"),
            "pandas / ours, time a row": figure(per_row / (typical["ours"]["seconds"] / chosen.rows), "x"),
        }
    report(figures, {"classes": chosen.classes, **machine(("pyarrow", "pandas"))}, chosen.json)
    return None


if __name__ == "__main__":
    main()
