"""The request of a fetch."""

from dataclasses import dataclass

from boxable.openimages.fetch.addresses import Split, Version
from boxable.openimages.fetch.image_list import Source
from boxable.vocabulary import select


@dataclass(frozen=True, slots=True)
class Request:
    """A request: a selection of classes (None: all), and limits; see `BoxedImages.choose`."""

    split: Split
    classes: str | None = None
    version: Version = "v4"
    source: Source = "bucket"
    max_images: int | None = None
    per_class: int | None = None

    @property
    def mids(self) -> frozenset[str] | None:
        """The wanted classes. Raises UnknownClassError."""
        return None if self.classes is None else frozenset(item.mid for item in select(self.classes))
