"""Detections as text, one file a format.

A format is a function `(records, classes) -> pieces of text`. It takes the records of the images one at a time, so that
memory stays bounded, and the classes of the model. An image with an `error` appears in json and jsonl only. To add a
format, write the function in a file of its own and register it in `FORMATS`. `reading.py` reads them back.
"""

from collections.abc import Callable, Iterable, Iterator

from boxable.formats.coco import coco
from boxable.formats.jsons import json_array, jsonl
from boxable.formats.openimages import openimages
from boxable.formats.record import DetectionRecord, FrameRecord, ImageRecord
from boxable.formats.rows import csv, frame_csv
from boxable.formats.table import table
from boxable.formats.yolo import yolo
from boxable.vocabulary import ClassList

Format = Callable[[Iterable[ImageRecord], ClassList], Iterator[str]]

# Name on the command line -> function and suffix of the file, which no other format has.
FORMATS: dict[str, tuple[Format, str]] = {
    "table": (table, ".txt"),
    "json": (json_array, ".json"),
    "jsonl": (jsonl, ".jsonl"),
    "csv": (csv, ".csv"),
    "openimages": (openimages, ".openimages.csv"),
    "coco": (coco, ".coco.json"),
    "yolo": (yolo, ".yolo.txt"),
}

JSON_FORMATS = {name for name, (_, suffix) in FORMATS.items() if suffix.endswith((".json", ".jsonl"))}
# The formats that name images by their ids alone.
NAMED_BY_ID = ("openimages", "coco", "yolo")

# The same for the frames of a video.
FRAME_FORMATS: dict[str, Callable[[Iterable[FrameRecord], ClassList], Iterator[str]]] = {
    "jsonl": jsonl,
    "csv": frame_csv,
}

__all__ = ["FORMATS", "FRAME_FORMATS", "JSON_FORMATS", "NAMED_BY_ID", "DetectionRecord", "Format", "ImageRecord"]
