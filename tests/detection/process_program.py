"""A program that uses one Detector in several processes; tests/detection/test_processes.py runs it.

Arguments: how processes are started (fork or spawn), the runtime, and what happens to the detector before.
"""

import multiprocessing
import os
import signal
import sys

import boxable
from tests.conftest import EXAMPLES

CAT = str(EXAMPLES / "chelsea.png")


def names(detector: boxable.Detector, images: list[str]) -> list[str]:
    """Detect in each image by itself, and in all of them as a stream."""
    alone = [detector(image) for image in images]
    return [name for found in (*alone, *detector.stream(images)) for name in found.names.tolist()]


def work(detector: boxable.Detector, results: "multiprocessing.Queue[list[str]]") -> None:
    results.put(names(detector, [CAT] * 9))


def exits(detector: boxable.Detector) -> int:
    """Fork a process that only ends, as the interpreter does; return its exit status."""
    child = os.fork()
    if child == 0:
        sys.exit(0)  # frees what the modules hold
    signal.alarm(30)
    return os.waitpid(child, 0)[1]


def main() -> None:
    method, runtime, before = sys.argv[1:]
    detector = boxable.load("ssd23", runtime=runtime, threads=2)  # type: ignore[arg-type]
    if before == "used":
        names(detector, [CAT] * 9)
    context = multiprocessing.get_context(method)
    results = context.Queue()
    processes = [context.Process(target=work, args=(detector, results), daemon=True) for _ in range(2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0], processes
    assert found == [["Cat"] * 18] * 2, found
    assert names(detector, [CAT]) == ["Cat"] * 2
    if method == "fork":
        assert exits(detector) == 0


if __name__ == "__main__":
    main()
