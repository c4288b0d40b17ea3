"""Annotations and predictions from COCO JSON."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, BoxableError
from boxable.formats.annotations import Annotations, Coded, Predictions, TruthBoxes, no_image_labels
from boxable.images.sources import stem_of
from boxable.vocabulary import ClassList, ObjectClass, open_images


class CocoFile:
    """A COCO file, or a list of results, which needs the images and categories of another file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        content = _load(path)
        self._only_results = isinstance(content, list)
        if not isinstance(content, list | dict):
            raise ArgumentError(f"{path}: {type(content).__name__} came; expected a COCO object or a list of results")
        try:
            self._items: list[dict[str, Any]] = content if isinstance(content, list) else content["annotations"]
            described = {} if isinstance(content, list) else content
            self._images = {item["id"]: item for item in described.get("images", ())}
            self._categories = {item["id"]: _class_of(item) for item in described.get("categories", ())}
        except (KeyError, TypeError, AttributeError) as error:
            raise self._odd(error) from error

    def annotations(self) -> Annotations:
        """Ground truth; image ids are file names without suffix, `iscrowd` is the group-of flag.

        COCO's annotation is exhaustive, but the file does not say so: there are no image labels.
        """
        if self._only_results:
            raise ArgumentError(
                f"{self.path}: a list of results came; expected a COCO object with images and categories"
            )
        try:
            image, label, box = self._columns(self._items, self)
            crowd = np.array([item.get("iscrowd", 0) for item in self._items], np.int8)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._odd(error) from error
        boxes = TruthBoxes(image, label, box, crowd, np.zeros(len(box), bool))
        sizes = {_image_id(item): (int(item["width"]), int(item["height"])) for item in self._images.values()}
        classes = ClassList.numbered(self._classes())
        return Annotations(boxes, no_image_labels(), classes, sizes)

    def predictions(self, described_by: "CocoFile | None") -> Predictions:
        """Predictions; images and categories are this file's or, of a list of results, those of the other."""
        key = self if not self._only_results else described_by
        if key is None:
            raise ArgumentError(
                f"{self.path}: a list of results names images by number; expected COCO ground truth beside it, "
                "or a COCO object with images and categories"
            )
        try:
            image, label, box = self._columns(self._items, key)
            score = np.array([item["score"] for item in self._items], np.float64)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._odd(error) from error
        return Predictions(image, label, box, score)

    def _classes(self) -> Iterable[ObjectClass | tuple[str, str]]:
        seen: set[str] = set()
        for item in self._categories.values():
            mid = _mid(item)
            if mid not in seen:
                seen.add(mid)
                yield item

    def _columns(self, items: list[dict[str, Any]], key: "CocoFile") -> tuple[Coded, Coded, NDArray[np.float64]]:
        names = {number: _image_id(item) for number, item in key._images.items()}
        mids = {number: _mid(item) for number, item in key._categories.items()}
        # What the file does not describe keeps its number, and is dropped later as unknown.
        image = Coded.of(names.get(item["image_id"], str(item["image_id"])) for item in items)
        label = Coded.of(mids.get(item["category_id"], f"category {item['category_id']}") for item in items)
        sizes = {number: (item["width"], item["height"]) for number, item in key._images.items()}
        size = np.array([sizes.get(item["image_id"], (1, 1)) for item in items], np.float64).reshape(-1, 2)
        x, y, width, height = np.array([item["bbox"] for item in items], np.float64).reshape(-1, 4).T
        with np.errstate(divide="ignore", invalid="ignore"):
            across, down = size.T
            box = np.stack([y / down, x / across, (y + height) / down, (x + width) / across], axis=1)
        return image, label, box

    def _odd(self, error: Exception) -> ArgumentError:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        return ArgumentError(f"{self.path}: {what}; expected COCO JSON with image_id, category_id and bbox")


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ArgumentError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"{path}: no JSON ({error})") from None
    except OSError as error:
        raise BoxableError(f"{path}: cannot read it ({error.strerror or error})") from error


def _image_id(image: Mapping[str, Any]) -> str:
    return stem_of(image["file_name"]) if image.get("file_name") else str(image["id"])


def _class_of(category: Mapping[str, Any]) -> ObjectClass | tuple[str, str]:
    """By its MID (which our own writer gives), else by its name among those of Open Images, else a class of its own."""
    return open_images().get(category.get("mid") or category["name"]) or (category.get("mid", ""), category["name"])


def _mid(item: ObjectClass | tuple[str, str]) -> str:
    return ClassList.numbered([item])[0].mid
