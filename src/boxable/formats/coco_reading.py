"""Read annotations and predictions from COCO JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError
from boxable.files import reading
from boxable.findings import MAX_EXAMPLES, Finding
from boxable.formats.annotated.image import AnnotatedImage
from boxable.formats.annotated.image_files import size_of
from boxable.formats.annotations import Annotations, Coded, Predictions, TruthBoxes, no_image_labels
from boxable.formats.coco_boxes import Box, box_of
from boxable.formats.coco_images import find_named_images
from boxable.images.image_ids import SEPARATOR, image_id
from boxable.vocabulary import ClassList, ObjectClass, open_images
from boxable.vocabulary.classes import FIRST_USER_LABEL_ID, classes_meant, plain_name, slug

Floats = NDArray[np.float64]


# A field of our own where the group-of flag of a box is unknown (-1), which `iscrowd` cannot say.
GROUP_OF = "is_group_of"
# Fields of an image that state its origin.
_ORIGIN = ("license", "flickr_url", "coco_url")


class CocoFile:
    """A COCO file, or a list of results, which needs the images and categories of another file.

    `file_names` maps image ids to file names. `left_out` tells of annotations that cannot be used: those of an image
    that is not described, and those without box or segmentation. `prefix` is the folder of the file in a
    set of several files; it begins the ids.
    """

    def __init__(self, path: Path, prefix: str = "") -> None:
        self.path = path
        self.left_out: list[Finding] = []
        content = _load(path)
        if not isinstance(content, list | dict):
            raise ArgumentError(f"{path}: expected a COCO object or a list of results, got {type(content).__name__}")
        self.only_results = isinstance(content, list)
        described = content if isinstance(content, dict) else {}
        with self._reading():
            # The images of a test set are described without annotations.
            items = content if isinstance(content, list) else content.get("annotations") or ()
            if not (items or "images" in described or "annotations" in described or self.only_results):
                raise KeyError("annotations")
            self._items = [_entry(item, "annotation", number) for number, item in enumerate(items)]
            self._images = [_entry(item, "image", n) for n, item in enumerate(described.get("images") or ())]
            categories = [_entry(item, "category", n) for n, item in enumerate(described.get("categories") or ())]
            _require_one_each("image", ((image["id"], _whole_name(image)) for image in self._images))
            _require_one_each("category", ((item["id"], _category_name(item)) for item in categories))
            self._names = {_key(image["id"]): _image_id(image, prefix) for image in self._images}
            _require_own_ids(self._names, self._images)
            self.file_names = {self._names[_key(image["id"])]: _whole_name(image) for image in self._images}
            self._sizes = {self._names[_key(image["id"])]: _size(image) for image in self._images}
            self._classes = {_key(number): item for number, item in _classes(categories).items()}

    @cached_property
    def files(self) -> dict[str, Path]:
        """The image files that are there, by image id."""
        return find_named_images(self.path, self.file_names)

    @cached_property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Width and height by image id: as the file says, else as the header of the image does, else zeros."""
        return {name: size if all(size) else self._size_of(name) for name, size in self._sizes.items()}

    def _size_of(self, name: str) -> tuple[int, int]:
        image = AnnotatedImage(name, [], np.zeros((0, 4)), file=self.files.get(name))
        return size_of(image) or (0, 0)

    def annotations(self) -> Annotations:
        """Return the ground truth; image ids are paths of files without suffix, `iscrowd` is the group-of flag.

        COCO's annotation is exhaustive, but the file does not say so: there are no image labels.
        """
        if self.only_results:
            raise ArgumentError(
                f"{self.path}: expected a COCO object with images and categories, got a list of results"
            )
        with self._reading():
            items = self._with_boxes(self, self._described())
            image, label, box, xywh = self._columns(self, items)
            crowd = np.array([item.get(GROUP_OF, item.get("iscrowd")) or 0 for item, _ in items], np.int8)
            area = _numbers([item.get("area", np.nan) for item, _ in items], len(items))
            coco_ids = {self._names[_key(item["id"])]: item["id"] for item in self._images}
            classes = ClassList(dict.fromkeys(self._classes.values()))
        boxes = TruthBoxes(image, label, box, crowd, np.zeros(len(box), bool), area, xywh)
        return Annotations(boxes, no_image_labels(), classes, self.sizes, coco_ids)

    def predictions(self, described_by: "CocoFile | None") -> Predictions:
        """Return the predictions; a list of results takes images and categories from `described_by`."""
        key = described_by if self.only_results else self
        if key is None:
            raise ArgumentError(
                f"{self.path}: a list of results names images by number; expected COCO ground truth beside it, "
                "or a COCO object with images and categories"
            )
        with self._reading():
            items = self._with_boxes(key, self._items)
            image, label, box, xywh = self._columns(key, items)
            score = _numbers([item["score"] for item, _ in items], len(items))
        return Predictions(image, label, box, score, xywh, self.left_out)

    def beyond_boxes(self) -> dict[str, int]:
        """Count the fields of the file that other formats cannot express, by name."""
        with self._reading():
            boxed = [item for item in self._items if item.get("bbox")]
            size = _numbers([item["bbox"] for item in boxed], len(boxed), 4)[:, 2:].prod(axis=1)
            area = _numbers([item.get("area", np.nan) for item in boxed], len(boxed))
            return {
                "segmentation|s": sum(bool(item.get("segmentation")) for item in self._items),
                "list|s of keypoints": sum(bool(item.get("keypoints")) for item in self._items),
                "area|s other than width times height": int((np.abs(area - size) > 1e-6 * np.abs(size)).sum()),
                "licence|s or address|es of an image": sum(any(map(image.get, _ORIGIN)) for image in self._images),
                "image id|s other than the name of the file": sum(
                    self._names[_key(image["id"])].lstrip("0") != str(image["id"]).lstrip("0") for image in self._images
                ),
                "category id|s": sum(number != str(item.label_id) for number, item in self._classes.items()),
            }

    def _described(self) -> list[Mapping[str, Any]]:
        """Select the annotations of images that are described; others are left out."""
        found = [item for item in self._items if _key(item["image_id"]) in self._names]
        if len(found) < len(self._items):
            strangers = [str(item["image_id"]) for item in self._items if _key(item["image_id"]) not in self._names]
            self._leave_out("box|es of an image that the COCO file does not describe", strangers)
        return found

    def _with_boxes(self, key: "CocoFile", items: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Box]]:
        """Pair the annotations with their boxes; those without one are left out. Raises ArgumentError for a bad one."""
        found: list[tuple[Mapping[str, Any], Box]] = []
        without: list[str] = []
        for number, item in enumerate(items):
            name = item.get("id", f"number {number}")
            try:
                box = box_of(item)
            except (TypeError, ValueError, LookupError, OverflowError) as error:
                raise ArgumentError(
                    f"{self.path}: COCO annotation {name}: {error}; expected bbox [x, y, width, height], "
                    "or polygons or a mask as segmentation"
                ) from None
            if box is None:
                without.append(str(name))
            else:
                found.append((item, box))
        if without:
            self._leave_out("annotation|s of the COCO file without a box or segmentation", without)
        return found

    def _leave_out(self, subject: str, names: Sequence[str]) -> None:
        self.left_out.append(Finding(subject, "dropped", "warning", len(names), examples=[*names[:MAX_EXAMPLES]]))

    def _columns(
        self, key: "CocoFile", items: Sequence[tuple[Mapping[str, Any], Box]]
    ) -> tuple[Coded, Coded, Floats, Floats]:
        """Build the columns of image, class, box and its pixels; an id that `key` lacks gets a unique name."""
        names = [key._names.get(_key(item["image_id"]), f"image {item['image_id']}?") for item, _ in items]
        mids = {number: item.mid for number, item in key._classes.items()}
        label = Coded.of(mids.get(_key(item["category_id"]), f"category {item['category_id']}?") for item, _ in items)
        size = _numbers([key.sizes.get(name, (0, 0)) for name in names], len(items), 2)
        xywh = _numbers([box for _, box in items], len(items), 4)
        x, y, width, height = xywh.T
        # Where no size is known the box is no number, and dropped later.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            box = np.stack([y, x, y + height, x + width], axis=1) / size[:, [1, 0, 1, 0]]
        return Coded.of(names), label, box, xywh

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Convert errors of malformed content to ArgumentError with the path."""
        try:
            yield
        except ArgumentError as error:
            raise ArgumentError(str(error) if str(self.path) in str(error) else f"{self.path}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else f"an entry is of another kind ({error})"
            raise ArgumentError(
                f"{self.path}: {what}; expected COCO JSON: images with id and file_name, annotations with "
                "image_id, category_id and bbox [x, y, width, height], and with a score if they are predictions"
            ) from error


def _load(path: Path) -> Any:
    try:
        with reading(path):
            return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{path}: no JSON ({error})") from None


def _numbers(values: list[Any], *shape: int) -> Floats:
    return np.array(values, np.float64).reshape(shape)


def _entry(item: Any, kind: str, number: int) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise ArgumentError(f"{kind} number {number} of COCO is {str(item)[:20]!r}; expected an object")
    return item


def _key(number: Any) -> str:
    """Make an id text: others write the same one as 1, 1.0 or "1"."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int | float | str):
        raise TypeError(f"the id {str(number)[:20]!r}")
    return str(number)


def _require_one_each(kind: str, named: Iterable[tuple[Any, str]]) -> None:
    """Raise ArgumentError where an id has two names, as a box would be ambiguous."""
    names: dict[str, str] = {}
    for number, name in named:
        if names.setdefault(_key(number), name) != name:
            raise ArgumentError(f"{kind} {number} is {names[_key(number)]!r} and {name!r}; expected different numbers")


def _require_own_ids(names: Mapping[str, str], images: Sequence[Mapping[str, Any]]) -> None:
    """Raise ArgumentError where two images have one id, or an id is no text."""
    files: dict[str, str] = {}
    for image in images:
        name, file = names[_key(image["id"])], f"{_whole_name(image)!r} (image {image['id']})"
        other = files.setdefault(name, file)
        if other != file:
            raise ArgumentError(f"{other} and {file} of this COCO file both have the image id {name!r}; rename one")
    "".join(files).encode()  # half a surrogate pair is no text


def _image_id(image: Mapping[str, Any], prefix: str) -> str:
    """Make the id of an image from the path of its file, else from its number as it is."""
    if image.get("file_name"):
        name = _text(image["file_name"])
        is_absolute = name.startswith(("/", "\\")) or ":" in name[:2]
        return image_id(name if is_absolute or not prefix else f"{prefix}/{name}")
    return "/".join(filter(None, (prefix, _key(image["id"])))).replace("/", SEPARATOR)


def _whole_name(image: Mapping[str, Any]) -> str:
    return str(image.get("file_name") or image["id"])


def _category_name(category: Mapping[str, Any]) -> str:
    """Return the name of a category, else one made of its number."""
    return _text(category.get("name") or f"category {category['id']}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a name that is no string")
    return value


def _size(image: Mapping[str, Any]) -> tuple[int, int]:
    """Read width and height in pixels; zeros where they are invalid."""
    sides = [image.get(name) or 0 for name in ("width", "height")]
    width, height = (int(side) if 0 < float(side) < 1e9 else 0 for side in sides)
    return width, height


def _classes(categories: Sequence[Mapping[str, Any]]) -> dict[Any, ObjectClass]:
    """Map category ids to classes.

    By its MID (which our own writer gives), else by what its name means in Open Images, else a class of its own.
    """
    known = {item.mid: item for item in open_images()}
    meant = classes_meant(plain_name(_category_name(category)) for category in categories)
    own: dict[str, ObjectClass] = {}
    mids: set[str] = set()
    classes = {}
    for category in categories:
        name, mid = plain_name(_category_name(category)), category.get("mid") or ""
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
