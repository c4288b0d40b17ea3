"""Training runs in processes of their own: a tiny set, runs that are killed or stopped, functions in several ranks."""

import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from boxable.hashing import hash_of_file
from tests.openimages.made import BOX_HEADER, box, write_csv

# Processes are forked from one that has imported what takes seconds.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([
    "boxable.training.execute", "boxable.training.curves", "boxable.networks.onnx_graph", "boxable.metrics.bootstrap",
    "boxable.runtimes.onnx_runtime", "boxable.datasets.arrow_tables", "tensorboard.compat.proto.event_pb2",
    "torchvision", "matplotlib.pyplot", "onnx", "pyarrow", "pandas", "tests.training.runs",
])  # fmt: skip

# Early stopping: after two validations without a better one, to save time.
PATIENCE = 0.0, 2

SQUARE, DISC = "user/square", "user/disc"
SIZE = 96
# The files of a resumed run with the bytes of an undisturbed one.
SAME = [f"{name}/{file}.safetensors" for name in ("best", "last") for file in ("model", "optimizer")]


def shapes_set(folder: Path) -> Path:
    """A data folder of squares and discs of many sizes and colors on noise: 6 images to train on, 2 for validation."""
    rng = np.random.default_rng(0)
    rows, table = [], []
    (folder / "images").mkdir(parents=True)
    for number in range(8):
        name = f"i{number}"
        pixels = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
        for mid, first in ((SQUARE, 0), (DISC, SIZE // 2)):
            side = int(rng.integers(16, SIZE // 2))
            top, left = rng.integers(0, SIZE - side), first + rng.integers(0, SIZE // 2 - side)
            y, x = np.indices((side, side)) - (side - 1) / 2
            inside = np.hypot(y, x) < side / 2 if mid == DISC else np.full((side, side), True)
            pixels[top : top + side, left : left + side][inside] = rng.integers(0, 256, 3)
            rows.append(box(name, mid, (left / SIZE, (left + side) / SIZE, top / SIZE, (top + side) / SIZE)))
        Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
        table.append((name, "validation" if number < 2 else "train"))
    write_csv(folder / "annotations-bbox.csv", BOX_HEADER, rows)
    write_csv(folder / "images.csv", ("ImageID", "Subset"), table)
    write_csv(folder / "classes.csv", ("LabelName", "DisplayName"), [(SQUARE, "Square"), (DISC, "Disc")])
    return folder


# Calls of functions from 1, and the signals that a process gets before them.
Stop = tuple[str, int, int]
Stops = Mapping[int, Stop]


class Run:
    """`boxable` with these arguments in a process of its own; what it prints is in `output`.

    `stop_at`: the process gets a signal before this call, from 1, of a function, `module:name`, and with `kill_at`
    SIGKILL. It writes a checkpoint after each step if `save_s` is 0, and a phase ends after two validations without a
    better one.
    """

    def __init__(
        self, *arguments: object, printed: Path, kill_at: tuple[str, int] | None = None,
        stop_at: Stop | None = None, save_s: float = 0.0, **environment: str,
    ) -> None:  # fmt: skip
        if kill_at is not None:
            stop_at = (*kill_at, signal.SIGKILL)
        self._printed = printed
        printed.write_text("")
        self.process: ForkServerProcess = CONTEXT.Process(
            target=_run, args=([*map(str, arguments)], printed, stop_at, save_s, {**os.environ, **environment})
        )
        self.process.start()

    @property
    def output(self) -> str:
        return self._printed.read_text()

    def end(self, timeout: float = 120) -> int:
        """Wait for the end of the process; return its exit code, -9 if it was killed."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, self.output
        return self.process.exitcode


def _run(
    arguments: list[str],
    printed: Path,
    stop_at: Stop | None,
    save_s: float,
    environment: dict[str, str],
) -> None:
    from boxable.cli import main
    from boxable.training import loop

    multiprocessing.set_start_method("fork", force=True)  # as in a process that was not forked from a server
    os.environ.update(environment)
    file = os.open(printed, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    loop.CHECKPOINT_S = save_s
    loop.PATIENCE, loop.LEAST_PATIENCE = PATIENCE
    if stop_at is not None:
        stop_before(*stop_at)
    sys.argv = ["boxable", *arguments]
    main()


def stop_before(target: str, call: int, number: int = signal.SIGKILL) -> None:
    """Let this process send itself a signal before a call of a function, `module:name` or `module:Class.name`."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    original, calls = getattr(owner, name), 0

    def stopped(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), number)
        return original(*arguments, **options)

    setattr(owner, name, stopped)


def in_processes(
    count: int, *arguments: object, folder: Path, save_s: float = 0.0, stop_at: Stops | None = None
) -> list[Run]:
    """Start a run as torchrun does; what its processes print is in files of the folder. `stop_at`: by rank."""
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": str(count)}
    return [
        Run(*arguments, printed=folder / f"printed-{rank}.txt", save_s=save_s, stop_at=(stop_at or {}).get(rank),
            RANK=str(rank), LOCAL_RANK=str(rank), LOCAL_WORLD_SIZE=str(count), **shared)
        for rank in range(count)
    ]  # fmt: skip


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def hashes(run: Path) -> dict[str, str]:
    """The hashes of the files of a run that do not depend on interrupts."""
    return {name: hash_of_file(run / name) for name in SAME}


def in_ranks(count: int, function: Callable[..., Any], *arguments: object, **more: str) -> list[Any]:
    """Call a function in processes as torchrun starts them; return what it returns in each."""
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": str(count), "OMP_NUM_THREADS": "1"}
    with ProcessPoolExecutor(count, CONTEXT) as processes:
        calls = []
        for rank in map(str, range(count)):
            environment = {**os.environ, **shared, **more, "RANK": rank, "LOCAL_RANK": rank}
            calls.append(processes.submit(_call, environment, function, arguments))
        return [call.result(60) for call in calls]


def _call(environment: dict[str, str], function: Callable[..., Any], arguments: tuple[object, ...]) -> Any:
    os.environ.update(environment)
    return function(*arguments)
