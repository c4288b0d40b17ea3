"""The addresses of the published tables of Open Images, by release.

Sizes and MD5 sums are those that public mirrors recorded; 0 and "" are unknown.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Version = Literal["v4", "v5", "v6", "v7"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, slots=True)
class Published:
    """A file below the address of the tables: its path, and its size in bytes and MD5 where they are known."""

    path: str
    size: int = 0
    md5: str = ""


@dataclass(frozen=True, slots=True)
class Tables:
    """The files of one split of one release."""

    boxes: Published
    image_labels: Published
    images: Published
    classes: Published


def tables_of(version: Version, split: Split) -> Tables:
    """Return the files of a split. The image lists are those of V4: later releases have no others for boxes."""
    boxes = {"v4": _BOXES_V4, "v5": _BOXES_V5}.get(version, _BOXES_V6)
    labels = {"v4": _LABELS_V4, "v7": _LABELS_V7}.get(version, _LABELS_V5)
    return Tables(boxes[split], labels[split], _IMAGES[split], _CLASSES[version])


_BOXES_V4: dict[Split, Published] = {
    split: Published(f"2018_04/{split}/{split}-annotations-bbox.csv") for split in SPLITS
}
# The train boxes of V5 are those of V4; validation and test of V6 and V7 are those of V5.
_BOXES_V5: dict[Split, Published] = {
    "train": _BOXES_V4["train"],
    "validation": Published("v5/validation-annotations-bbox.csv", 25_105_048, "c5e8200df129ea6867e913e8b21fcab9"),
    "test": Published("v5/test-annotations-bbox.csv", 77_484_237, "1cc058a7003b4e73d47642276e9b123b"),
}
_BOXES_V6: dict[Split, Published] = _BOXES_V5 | {
    "train": Published("v6/oidv6-train-annotations-bbox.csv", 2_258_447_590, "3c3e70cfaba5757ea5c2604b19cac3b2"),
}
# Labels that people verified: of the images with boxes, in V7 of all images.
_LABELS_V4: dict[Split, Published] = {
    split: Published(f"2018_04/{split}/{split}-annotations-human-imagelabels-boxable.csv") for split in SPLITS
}
_LABELS_V5: dict[Split, Published] = {
    "train": Published(
        "v5/train-annotations-human-imagelabels-boxable.csv", 376_764_810, "f2709ae3f91391549c56d45a4a5ffec6"
    ),
    "validation": Published(
        "v5/validation-annotations-human-imagelabels-boxable.csv", 10_649_275, "2e129f40a209e65dfe4342ed0e7bd5f2"
    ),
    "test": Published(
        "v5/test-annotations-human-imagelabels-boxable.csv", 32_055_857, "207ed0ce2755ad5a689c8eb6eeb039bf"
    ),
}
_LABELS_V7: dict[Split, Published] = {
    "train": Published("v7/oidv7-train-annotations-human-imagelabels.csv"),
    "validation": Published("v7/oidv7-val-annotations-human-imagelabels.csv"),
    "test": Published("v7/oidv7-test-annotations-human-imagelabels.csv"),
}
_IMAGES: dict[Split, Published] = {
    "train": Published(
        "2018_04/train/train-images-boxable-with-rotation.csv", 638_407_721, "a4ac0bcedb5c2df4d1b1230dc6b41b8f"
    ),
    "validation": Published(
        "2018_04/validation/validation-images-with-rotation.csv", 15_245_485, "643a54e43b0bab8acce8817b4a569780"
    ),
    "test": Published("2018_04/test/test-images-with-rotation.csv", 45_227_339, "d832feb775b3cb78077bf8ae350adce5"),
}
_CLASSES_V5 = Published("v5/class-descriptions-boxable.csv", 12_011, "9846fd22fd2e68b45e3f3810a4c2a32a")
_CLASSES: dict[Version, Published] = {
    "v4": Published("2018_04/class-descriptions-boxable.csv"),
    "v5": _CLASSES_V5,
    "v6": _CLASSES_V5,
    "v7": Published("v7/oidv7-class-descriptions-boxable.csv", 12_064),
}

# Bytes of an image of the public bucket, on average: its 561 GB over its images (1,743,042 train, 41,620 validation,
# 125,436 test); the archives of validation and test are 12.8 and 36 GB of it.
MEAN_IMAGE_BYTES: dict[Split, int] = {"train": 294_000, "validation": 309_000, "test": 287_000}
