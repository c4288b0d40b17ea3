"""A table for people."""

from collections.abc import Iterable, Iterator

from boxable.formats.record import ImageRecord
from boxable.printing import one_line
from boxable.vocabulary import ClassList


def table(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """Format the name of each image, and a line for each detection."""
    for record in records:
        if "error" in record:
            continue
        found = record["detections"]
        names = [" < ".join([item["name"], *item.get("ancestors", ())]) for item in found]
        width = max(map(len, names), default=0)
        lines = [f"{one_line(record['source'])}  {record['width']}x{record['height']}"]
        for name, item in zip(names, found, strict=True):
            ymin, xmin, ymax, xmax = item["box"]
            place = f"ymin {ymin:.3f}  xmin {xmin:.3f}  ymax {ymax:.3f}  xmax {xmax:.3f}"
            lines.append(f"  {name:<{width}}  {item['score']:4.0%}  {place}")
        yield "\n".join(lines if found else [*lines, "  nothing found"]) + "\n"
