"""COCO JSON, with scores: one object with images, annotations and categories."""

import json
from collections.abc import Iterable, Iterator
from itertools import count

from boxable.formats.record import ImageRecord
from boxable.images.image_ids import end_with_id
from boxable.vocabulary import ClassList


def coco(records: Iterable[ImageRecord], classes: ClassList) -> Iterator[str]:
    """Boxes are [x, y, width, height] in pixels, category ids are label ids.

    An image whose image id is a number, as COCO's own are, has that number as its id, unless an image before it had to
    be given the same. file_name is the end of the source's path that makes the image id.
    """
    images: dict[int, dict[str, object]] = {}
    numbers = count(1)
    start = '{"annotations": ['
    annotation_id = 0
    for record in records:
        if "error" in record:
            continue
        number = image_number(record["image_id"], images, numbers)
        width, height = record["width"], record["height"]
        images[number] = {"id": number, "file_name": _file_name(record), "width": width, "height": height}
        for item in record["detections"]:
            annotation_id += 1
            ymin, xmin, ymax, xmax = item["box"]
            box = [xmin * width, ymin * height, (xmax - xmin) * width, (ymax - ymin) * height]
            annotation = {
                "id": annotation_id, "image_id": number, "category_id": item["label_id"], "bbox": box,
                "area": box[2] * box[3], "iscrowd": 0, "score": item["score"],
            }  # fmt: skip
            yield start + "\n" + json.dumps(annotation)
            start = ","
    categories = [{"id": item.label_id, "name": item.name, "mid": item.mid} for item in classes]
    yield start if annotation_id == 0 else ""
    yield f'],\n"images": {json.dumps(list(images.values()), ensure_ascii=False)},\n'
    yield f'"categories": {json.dumps(categories, ensure_ascii=False)}}}\n'


def _file_name(record: ImageRecord) -> str:
    """Return the path of which a reader makes the same image id: an end of the source's, else the id itself."""
    return end_with_id(record["source"], record["image_id"]) or f"{record['image_id']}.jpg"


def image_number(stem: str, taken: dict[int, dict[str, object]], numbers: Iterator[int]) -> int:
    """Choose the number of an image: its name if that is a free number, else the next free number."""
    if stem.isascii() and stem.isdigit() and len(stem) < 19 and int(stem) not in taken:
        return int(stem)
    return next(number for number in numbers if number not in taken)
