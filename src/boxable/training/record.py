"""run.json: the arguments, the classes and the plan of a run, written before its first step."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boxable
from boxable.errors import ArgumentError
from boxable.files import write_atomically
from boxable.training.plan import Plan

RECORD = "run.json"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What does not change during a run, nor when it is resumed. `data` tells training images and boxes from others.

    `start_map` is the mAP of the starting model on the validation images.
    """

    arguments: dict[str, Any]
    classes: list[str]
    data: str
    start_map: float
    plan: Plan

    def write(self, folder: Path) -> None:
        """Write it to a run's folder."""
        content = {
            "version": boxable.__version__, "arguments": self.arguments, "classes": self.classes, "data": self.data,
            "start_map": self.start_map,
            "plan": self.plan.to_dict(),
        }  # fmt: skip
        write_atomically(folder / RECORD, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())

    def require_same(self, arguments: dict[str, Any], data: str, folder: Path) -> None:
        """Raise ArgumentError unless a run with these arguments and data is this one."""
        for name, value in arguments.items():
            if value != self.arguments.get(name):
                option = "--from" if name == "start" else f"--{name.replace('_', '-')}"
                raise ArgumentError(
                    f"{folder}: its run was started with {option} {_shown(self.arguments.get(name))}, got "
                    f"{_shown(value)}; resume it with the same options, or take another --out"
                )
        if data != self.data:
            raise ArgumentError(f"{folder}: its data or starting model have changed since it began; take another --out")


def read_record(folder: Path) -> RunRecord | None:
    """Read the record of a run; None in a folder without one. Raises ArgumentError for a damaged one."""
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        return RunRecord(
            content["arguments"],
            content["classes"],
            content["data"],
            content["start_map"],
            Plan.from_dict(content["plan"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise ArgumentError(f"{path}: damaged, or of another version; take another --out") from None


def _shown(value: Any) -> str:
    return "left out" if value is None else str(value)
