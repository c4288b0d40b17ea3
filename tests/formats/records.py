"""Records of four images: two objects, an odd name, nothing found, and one that could not be read."""

from boxable.formats import DetectionRecord, ImageRecord
from boxable.images.sources import id_of_name
from boxable.vocabulary import ClassList, ObjectClass

CLASSES = ClassList([ObjectClass(122, "/m/01yrx", "Cat"), ObjectClass(1001, "user/arm", 'arm, "left"')])
CAT: DetectionRecord = {
    "label_id": 122, "mid": "/m/01yrx", "name": "Cat", "score": 0.875, "box": [0.25, 0.125, 0.75, 1.0],
}  # fmt: skip
ARM: DetectionRecord = {
    "label_id": 1001, "mid": "user/arm", "name": 'arm, "left"', "score": 0.5, "box": [0.0, 0.5, 0.5, 0.625],
}  # fmt: skip


def image_record(source: str, *found: DetectionRecord) -> ImageRecord:
    """400 pixels wide, 200 high."""
    name = id_of_name(source)
    return {"source": source, "image_id": name, "width": 400, "height": 200, "detections": list(found)}


TWO = image_record("photos/cat.jpg", CAT, ARM)
ODD = image_record('odd, "名前" é.png', CAT)
EMPTY = image_record("empty.jpg")
BROKEN: ImageRecord = {
    "source": "broken.jpg", "image_id": "broken", "width": 0, "height": 0, "detections": [],
    "error": "broken.jpg: no such file",
}  # fmt: skip
ALL = [TWO, ODD, EMPTY, BROKEN]
