"""How much memory `boxable.openimages.Dataset` takes, and how fast it is, for sets of growing size.

    python benchmarks/dataset.py --folder sets --out dataset.json

The largest has the 14,610,229 boxes and 1,743,042 images of V4 train, generated as for annotations.py. Each step runs
in a process of its own. Memory is what the process holds for itself (RssAnon); pages of the mapped index, which the
system takes back when it needs them, are told beside it (RssFile). Targets are drawn by lot over the whole set; images
are not read, since their size does not depend on that of the set.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from annotations_data import ROWS, official_table
from measure import Figure, arguments, figure, machine, report

SIZES = (100_000, 1_000_000, ROWS)
LOOKS = 100_000

COMMON = """
import json, re, sys, threading, time
from pathlib import Path
import numpy as np, pyarrow, pyarrow.compute, pyarrow.csv, pyarrow.parquet
from boxable.openimages import Dataset
from boxable.openimages.stats import stats_of
pyarrow.array([1.5]).to_numpy(zero_copy_only=False)  # loads pandas, where there is one

def memory():
    status = Path("/proc/self/status").read_text()
    return {name: int(re.search(rf"{name}:\\s+(\\d+)", status)[1]) / 1024 for name in ("RssAnon", "RssFile")}

peak, ended = [0.0], threading.Event()

def watch():
    while not ended.wait(0.02):
        peak[0] = max(peak[0], memory()["RssAnon"])

before = memory()
threading.Thread(target=watch, daemon=True).start()
start = time.perf_counter()
dataset = Dataset(sys.argv[1])
opened = time.perf_counter() - start
"""
MAKE = (
    COMMON
    + """
ended.set()
print(json.dumps({"seconds": opened, "peak": peak[0] - before["RssAnon"]}))
"""
)
USE = (
    COMMON
    + """
shard = dataset.shards(8, seed=1)[0]
numbers = np.random.default_rng(0).integers(0, len(dataset), int(sys.argv[2])).tolist()
start = time.perf_counter()
boxes = sum(len(dataset.targets(number).boxes) for number in numbers)
looked = time.perf_counter() - start
after = memory()
start = time.perf_counter()
figures = stats_of(dataset)
counted = time.perf_counter() - start
ended.set()
print(json.dumps({
    "open": opened * 1000, "a second": len(numbers) / looked, "stats": counted, "peak": peak[0] - before["RssAnon"],
    "anon": after["RssAnon"] - before["RssAnon"], "file": after["RssFile"] - before["RssFile"], "boxes": figures.boxes,
}))
"""
)


def run(code: str, folder: Path, home: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", code, folder, str(LOOKS)],
        env=os.environ | {"BOXABLE_HOME": str(home)}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    return result


def measured(parent: Path, rows: int) -> dict[str, Figure]:
    folder = parent / f"boxes-{rows}"
    folder.mkdir(parents=True, exist_ok=True)
    official_table(folder / "annotations-bbox.csv", rows)
    with tempfile.TemporaryDirectory(dir=parent) as home:
        making = run(MAKE, folder, Path(home))
        using = run(USE, folder, Path(home))
    if using["boxes"] != rows:
        raise SystemExit(f"{using['boxes']} boxes were counted of {rows}")
    about = f"{rows:,} boxes: "
    return {
        f"{about}index the CSV, once": figure(making["seconds"], "s"),
        f"{about}memory of that at its peak": figure(making["peak"], "MiB"),
        f"{about}open": figure(using["open"], "ms"),
        f"{about}targets by lot": figure(using["a second"], "/s"),
        f"{about}memory after {LOOKS:,} of them and a shuffle": figure(using["anon"], "MiB", "<= 32"),
        f"{about}mapped pages of the index after that": figure(using["file"], "MiB"),
        f"{about}stats": figure(using["stats"], "s"),
        f"{about}memory at its peak, with stats": figure(using["peak"], "MiB"),
    }


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="keep the generated tables here", required=True)
    options = parser.parse_args()
    figures: dict[str, Figure] = {}
    for rows in SIZES:
        figures |= measured(options.folder, rows)
    report(figures, machine(("numpy", "pyarrow")), options.out)


if __name__ == "__main__":
    main()
