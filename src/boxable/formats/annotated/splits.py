"""The names that others give to splits."""

import re
from collections.abc import Iterable

from boxable.formats.columns import SUBSETS

# Names of files, folders and keys.
SPLIT_NAMES = {
    "train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test",
}  # fmt: skip
# What YOLO and Pascal VOC call each split.
SHORT_NAMES = {"train": "train", "validation": "val", "test": "test"}
_NAME = f"({'|'.join(SPLIT_NAMES)})"
_FOLDER = re.compile(rf"(?:obj_)?{_NAME}(?:_data)?", re.IGNORECASE)
_STEM = re.compile(rf"(?:.*_)?{_NAME}(?:20\d\d)?(?:_.*)?", re.IGNORECASE)


def split_of(path: str) -> str:
    """Return the split that a folder of a relative path with `/` is called after: as in `SPLIT_NAMES`, else ""."""
    named = (_FOLDER.fullmatch(folder) for folder in path.split("/")[:-1])
    return next((SPLIT_NAMES[match[1].lower()] for match in named if match), "")


def split_of_stem(stem: str) -> str:
    """Return the split of a file of annotations by its name without suffix, as `instances_val2017`; else ""."""
    match = _STEM.fullmatch(stem)
    return SPLIT_NAMES[match[1].lower()] if match else ""


def in_order(splits: Iterable[str]) -> tuple[str, ...]:
    """Order splits as Open Images does, each once; "" (unknown) is left out."""
    named = set(splits)
    return tuple(split for split in SUBSETS if split in named)
