"""The names that others give to splits."""

import re

# Names of files, folders and keys.
SPLIT_NAMES = {
    "train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test",
}  # fmt: skip
_FOLDER = re.compile(rf"(?:obj_)?({'|'.join(SPLIT_NAMES)})(?:_data)?", re.IGNORECASE)


def split_of(path: str) -> str:
    """Return the split that a folder of a relative path with `/` is called after: as in `SPLIT_NAMES`, else ""."""
    named = (_FOLDER.fullmatch(folder) for folder in path.split("/")[:-1])
    return next((SPLIT_NAMES[match[1].lower()] for match in named if match), "")
