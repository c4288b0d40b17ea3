"""The 601 classes of Open Images V4, their hierarchy, and the grammar that selects among them."""

from boxable.vocabulary.classes import ClassList, ObjectClass, open_images, open_images_subset
from boxable.vocabulary.hierarchy import Hierarchy, open_images_hierarchy
from boxable.vocabulary.selection import select

__all__ = [
    "ClassList",
    "Hierarchy",
    "ObjectClass",
    "open_images",
    "open_images_hierarchy",
    "open_images_subset",
    "select",
]
