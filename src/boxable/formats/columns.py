"""The columns of the tables of Open Images, and their Arrow schema: one definition for readers and writers."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

# The type of a column: `text` repeats (a dictionary column), `string` does not; `number` is float64, as the CSV says;
# `flag` is int8, -1 unknown; `pixels` is int32, 0 unknown; `bytes` is int64, null unknown.
Kind = Literal["text", "string", "number", "flag", "pixels", "bytes"]

BOX_COLUMNS: dict[str, Kind] = {
    "ImageID": "text", "Source": "text", "LabelName": "text", "Confidence": "number",
    "XMin": "number", "XMax": "number", "YMin": "number", "YMax": "number",
    "IsOccluded": "flag", "IsTruncated": "flag", "IsGroupOf": "flag", "IsDepiction": "flag", "IsInside": "flag",
}  # fmt: skip
# The extreme points of a box in tables of V6; a data folder drops them.
EXTREME_POINTS: dict[str, Kind] = {f"XClick{number}{axis}": "number" for axis in "XY" for number in range(1, 5)}
LABEL_COLUMNS: dict[str, Kind] = {"ImageID": "text", "Source": "text", "LabelName": "text", "Confidence": "number"}
IMAGE_COLUMNS: dict[str, Kind] = {
    "ImageID": "string", "Subset": "text", "Width": "pixels", "Height": "pixels", "OriginalURL": "string",
    "OriginalLandingURL": "string", "License": "text", "AuthorProfileURL": "text", "Author": "text", "Title": "string",
    "OriginalSize": "bytes", "OriginalMD5": "string", "Thumbnail300KURL": "string", "Rotation": "number",
}  # fmt: skip

# The columns that a table must have; sets of other origin often lack the others.
NEEDED = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax")
# The boxes that Pascal VOC flags as difficult; in sets of other origin a flag of the table of boxes.
DIFFICULT_COLUMNS: dict[str, Kind] = {name: BOX_COLUMNS[name] for name in NEEDED}
IS_DIFFICULT = "IsDifficult"
# The name of a column in other releases.
OTHER_NAMES = {"Confidence": "Verified"}


def select_columns(columns: Mapping[str, Kind], names: Iterable[str]) -> dict[str, Kind]:
    """Select some columns of a table."""
    return {name: columns[name] for name in names}


def schema(columns: Mapping[str, Kind]) -> Any:
    """Build the `pyarrow.Schema` of these columns."""
    import pyarrow as pa

    types = {
        "text": pa.dictionary(pa.int32(), pa.string()), "string": pa.string(), "number": pa.float64(),
        "flag": pa.int8(), "pixels": pa.int32(), "bytes": pa.int64(),
    }  # fmt: skip
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


CLASSES = "classes.csv"
# The splits: values of the column Subset, and names of subfolders.
SUBSETS = ("train", "validation", "test")
