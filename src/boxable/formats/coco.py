"""COCO JSON, with scores: one object with images, annotations and categories."""

import json
from collections.abc import Iterable, Iterator
from itertools import count

from boxable.formats.record import ImageRecord
from boxable.images.sources import stem_of
from boxable.vocabulary import ClassList


def coco(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """Boxes are [x, y, width, height] in pixels, category ids are label ids.

    An image whose file name is a number, as COCO's own are, has that number as its id, unless an image
    before it had to be given the same.
    """
    images: dict[int, dict[str, object]] = {}
    numbers = count(1)
    start = '{"annotations": ['
    annotation_id = 0
    for record in records:
        if "error" in record:
            continue
        image_id = image_number(stem_of(record["source"]), images, numbers)
        width, height = record["width"], record["height"]
        images[image_id] = {"id": image_id, "file_name": record["source"], "width": width, "height": height}
        for item in record["detections"]:
            annotation_id += 1
            ymin, xmin, ymax, xmax = item["box"]
            box = [xmin * width, ymin * height, (xmax - xmin) * width, (ymax - ymin) * height]
            annotation = {
                "id": annotation_id, "image_id": image_id, "category_id": item["label_id"], "bbox": box,
                "area": box[2] * box[3], "iscrowd": 0, "score": item["score"],
            }  # fmt: skip
            yield start + "\n" + json.dumps(annotation)
            start = ","
    categories = [{"id": item.label_id, "name": item.name, "mid": item.mid} for item in classes]
    yield start if annotation_id == 0 else ""
    yield f'],\n"images": {json.dumps(list(images.values()), ensure_ascii=False)},\n'
    yield f'"categories": {json.dumps(categories, ensure_ascii=False)}}}\n'


def image_number(stem: str, taken: dict[int, dict[str, object]], numbers: Iterator[int]) -> int:
    """Choose the number of an image: its name if that is a free number, else the next free number."""
    if stem.isascii() and stem.isdigit() and len(stem) < 19 and int(stem) not in taken:
        return int(stem)
    return next(number for number in numbers if number not in taken)
