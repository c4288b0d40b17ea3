"""Read annotations and predictions from COCO JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, BoxableError
from boxable.formats.annotations import Annotations, Coded, Predictions, TruthBoxes, no_image_labels
from boxable.images.sources import stem_of
from boxable.vocabulary import ClassList, ObjectClass, open_images
from boxable.vocabulary.classes import FIRST_USER_LABEL_ID, classes_meant, plain_name, slug

Floats = NDArray[np.float64]


# A field of our own where the group-of flag of a box is unknown (-1), which `iscrowd` cannot say.
GROUP_OF = "is_group_of"
# Fields of an image that state its origin.
_ORIGIN = ("license", "flickr_url", "coco_url")


class CocoFile:
    """A COCO file, or a list of results, which needs the images and categories of another file.

    `file_names` maps image ids to file names.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        content = _load(path)
        if not isinstance(content, list | dict):
            raise ArgumentError(f"{path}: expected a COCO object or a list of results, got {type(content).__name__}")
        self.only_results = isinstance(content, list)
        described = content if isinstance(content, dict) else {}
        with self._reading():
            self._items: Sequence[Mapping[str, Any]] = content if isinstance(content, list) else content["annotations"]
            self._images: Sequence[Mapping[str, Any]] = described.get("images", ())
            images = self._images
            _require_one_each("image", ((image["id"], _whole_name(image)) for image in images))
            _require_one_each("category", ((item["id"], item["name"]) for item in described.get("categories", ())))
            self._names = _image_ids(images)
            self.file_names = {self._names[image["id"]]: _whole_name(image) for image in images}
            self._sizes = {image["id"]: _size(image) for image in images}
            self._classes = _classes(described.get("categories", ()))

    def annotations(self) -> Annotations:
        """Return the ground truth; image ids are file names without suffix, `iscrowd` is the group-of flag.

        COCO's annotation is exhaustive, but the file does not say so: there are no image labels.
        """
        if self.only_results:
            raise ArgumentError(
                f"{self.path}: expected a COCO object with images and categories, got a list of results"
            )
        with self._reading():
            stranger = next((item for item in self._items if item["image_id"] not in self._names), None)
            if stranger is not None:
                raise ArgumentError(f"{self.path}: a box is of image {stranger['image_id']}, which is not described")
            image, label, box, xywh = self._columns(self)
            crowd = np.array([item.get(GROUP_OF, item.get("iscrowd", 0)) for item in self._items], np.int8)
            area = _numbers([item.get("area", np.nan) for item in self._items], len(self._items))
            sizes = {self._names[number]: size for number, size in self._sizes.items()}
            coco_ids = {name: number for number, name in self._names.items()}
            classes = ClassList(dict.fromkeys(self._classes.values()))
        boxes = TruthBoxes(image, label, box, crowd, np.zeros(len(box), bool), area, xywh)
        return Annotations(boxes, no_image_labels(), classes, sizes, coco_ids)

    def predictions(self, described_by: "CocoFile | None") -> Predictions:
        """Return the predictions; a list of results takes images and categories from `described_by`."""
        key = described_by if self.only_results else self
        if key is None:
            raise ArgumentError(
                f"{self.path}: a list of results names images by number; expected COCO ground truth beside it, "
                "or a COCO object with images and categories"
            )
        with self._reading():
            image, label, box, xywh = self._columns(key)
            score = _numbers([item["score"] for item in self._items], len(self._items))
        return Predictions(image, label, box, score, xywh)

    def beyond_boxes(self) -> dict[str, int]:
        """Count the fields of the file that other formats cannot express, by name."""
        with self._reading():
            size = _numbers([item["bbox"] for item in self._items], len(self._items), 4)[:, 2:].prod(axis=1)
            area = _numbers([item.get("area", np.nan) for item in self._items], len(self._items))
            return {
                "segmentations": sum(bool(item.get("segmentation")) for item in self._items),
                "keypoints": sum(bool(item.get("keypoints")) for item in self._items),
                "areas other than width times height": int((np.abs(area - size) > 1e-6 * np.abs(size)).sum()),
                "licences and addresses of images": sum(any(map(image.get, _ORIGIN)) for image in self._images),
                "image ids other than the name of the file": sum(
                    self._names[image["id"]].lstrip("0") != str(image["id"]).lstrip("0") for image in self._images
                ),
                "category ids": sum(number != item.label_id for number, item in self._classes.items()),
            }

    def _columns(self, key: "CocoFile") -> tuple[Coded, Coded, Floats, Floats]:
        """Build the columns of image, class, box and its pixels; an id that `key` lacks gets a unique name."""
        items = self._items
        image = Coded.of(key._names.get(item["image_id"], f"image {item['image_id']}?") for item in items)
        mids = {number: item.mid for number, item in key._classes.items()}
        label = Coded.of(mids.get(item["category_id"], f"category {item['category_id']}?") for item in items)
        size = _numbers([key._sizes.get(item["image_id"], (0, 0)) for item in items], len(items), 2)
        xywh = _numbers([item["bbox"] for item in items], len(items), 4)
        x, y, width, height = xywh.T
        # Where no size is known the box is no number, and dropped later.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            box = np.stack([y, x, y + height, x + width], axis=1) / size[:, [1, 0, 1, 0]]
        return image, label, box, xywh

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Convert errors of malformed content to ArgumentError with the path."""
        try:
            yield
        except ArgumentError as error:
            raise ArgumentError(str(error) if str(self.path) in str(error) else f"{self.path}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else "an entry is of another kind"
            raise ArgumentError(
                f"{self.path}: {what}; expected COCO JSON: images with id, width and height, annotations with "
                "image_id, category_id and bbox [x, y, width, height], and with a score if they are predictions"
            ) from error


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ArgumentError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{path}: no JSON ({error})") from None
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or error})") from error


def _numbers(values: list[Any], *shape: int) -> Floats:
    return np.array(values, np.float64).reshape(shape)


def _require_one_each(kind: str, named: Iterable[tuple[Any, Any]]) -> None:
    """Raise ArgumentError where an id has two names, as a box would be ambiguous."""
    names: dict[Any, Any] = {}
    for number, name in named:
        if names.setdefault(number, name) != name:
            raise ArgumentError(f"{kind} {number} is {names[number]!r} and {name!r}; expected different numbers")


def _image_ids(images: Sequence[Mapping[str, Any]]) -> dict[Any, str]:
    """Map image numbers to ids: the file name without suffix, or the whole name where several are alike."""
    by_number = {image["id"]: image for image in images}
    stems = {number: _stem(image) for number, image in by_number.items()}
    counts = Counter(stems.values())
    names = {number: stem if counts[stem] == 1 else _whole_name(by_number[number]) for number, stem in stems.items()}
    "".join(names.values()).encode()  # half a surrogate pair is no text
    return names


def _stem(image: Mapping[str, Any]) -> str:
    return stem_of(_text(image["file_name"])) if image.get("file_name") else str(image["id"])


def _whole_name(image: Mapping[str, Any]) -> str:
    return str(image.get("file_name") or image["id"])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a name that is no string")
    return value


def _size(image: Mapping[str, Any]) -> tuple[int, int]:
    """Read width and height in pixels; zeros where they are invalid."""
    sides = [image[name] or 0 for name in ("width", "height")]
    width, height = (int(side) if 0 < float(side) < 1e9 else 0 for side in sides)
    return width, height


def _classes(categories: Sequence[Mapping[str, Any]]) -> dict[Any, ObjectClass]:
    """Map category ids to classes.

    By its MID (which our own writer gives), else by what its name means in Open Images, else a class of its own.
    """
    known = {item.mid: item for item in open_images()}
    meant = classes_meant(plain_name(_text(category["name"])) for category in categories)
    own: dict[str, ObjectClass] = {}
    mids: set[str] = set()
    classes = {}
    for category in categories:
        name, mid = plain_name(category["name"]), category.get("mid") or ""
        name.encode()  # half a surrogate pair is no text
        item = known.get(mid) if mid else meant.get(name) or own.get(name)
        if item is None:
            mid = str(mid) or f"user/{slug(name)}"
            if mid in mids:  # two names that differ in signs only
                mid = f"{mid}-{category['id']}"
            item = ObjectClass(FIRST_USER_LABEL_ID + len(own), mid, name)
            own[name] = item
            mids.add(mid)
        classes[category["id"]] = item
    return classes
