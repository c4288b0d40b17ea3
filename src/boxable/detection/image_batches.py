"""Detection in a batch of images: read, prepare, run, post-process."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from boxable.arrays import Floats
from boxable.detection.detections import Detections
from boxable.detection.hierarchy_nms import hierarchy_nms
from boxable.detection.tiles import Tiles
from boxable.errors import BoxableError
from boxable.images.sources import Source
from boxable.networks.heads import DetectionHead
from boxable.networks.heads.rules import NmsResult, PostprocessRules
from boxable.networks.preprocess import Preprocess
from boxable.runtimes import Runtime
from boxable.vocabulary import ClassList
from boxable.vocabulary.selection import Owner
from boxable.weights.cards import owner_of
from boxable.weights.model import Description


@dataclass(frozen=True)
class ImageBatches:
    """Run preprocessing, network and post-processing on batches of images.

    `classes`: those that the model can detect. `shortest_side`: JPEG files are decoded at no less, None at full size.
    `batch_size`: tiles of an image that run together.
    """

    description: Description
    classes: ClassList
    head: DetectionHead
    tiles: Tiles | None
    shortest_side: int | None
    batch_size: int

    def detect(self, runtime: Runtime, sources: Sequence[Source], rules: PostprocessRules) -> list[Detections]:
        """Detect in images; consecutive ones of one size after resizing run together.

        An unreadable image yields empty Detections with `error` set.
        """
        found: list[Detections] = []
        waiting: list[tuple[Source, int, int, bool]] = []
        batch: Floats = np.empty((0, 0, 0, 3), np.float32)

        def run() -> None:
            if waiting:
                results = self.head.detect(runtime.run, batch[: len(waiting)], rules)
                found.extend(self._finish(*item, result, rules) for item, result in zip(waiting, results, strict=True))
                waiting.clear()

        for number, source in enumerate(sources):
            try:
                image = source.read(self.shortest_side)
            except BoxableError as error:
                run()
                found.append(replace(Detections.empty(source.name, self.classes, error=error), _image=source))
                continue
            about = source, image.width, image.height, image.truncated
            if self.tiles is not None:
                detect = partial(self.head.detect, runtime.run, rules=rules)
                result = self.tiles.detect(image.pixels, self._preprocess, detect, self.batch_size, rules)
                found.append(self._finish(*about, result, rules))
                continue
            size = self._preprocess.output_size(*image.pixels.shape[:2])
            if batch.shape[1:3] != size:
                run()
                batch = np.empty((len(sources) - number, *size, 3), np.float32)
            self._preprocess(image.pixels, batch[len(waiting)])
            waiting.append(about)
        run()
        return found

    def _finish(
        self, source: Source, width: int, height: int, truncated: bool, result: NmsResult, rules: PostprocessRules
    ) -> Detections:
        """Make the Detections of one image."""
        label_ids, mids, names = self._class_arrays
        by_hierarchy = rules.nms == "hierarchy"
        found = Detections(
            result.boxes, result.scores, label_ids[result.columns], mids[result.columns], names[result.columns],
            width, height, source.name, self.classes, truncated=truncated, name_ancestors=by_hierarchy,
            _image=source, _owner=self._owner,
        )  # fmt: skip
        return found[hierarchy_nms(found.boxes, found.mids.tolist())[: rules.max_detections]] if by_hierarchy else found

    @property
    def _preprocess(self) -> Preprocess:
        return self.description.network.preprocess

    @cached_property
    def _owner(self) -> Owner:
        """Name of the model, for errors about classes that it does not have."""
        return owner_of(self.description.handle, self.classes)

    @cached_property
    def _class_arrays(self) -> tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.str_]]:
        """Label ids, MIDs and names by column."""
        columns = self.description.classes
        return (
            np.array([item.label_id for item in columns], np.int64),
            np.array([item.mid for item in columns], np.str_),
            np.array([item.name for item in columns], np.str_),
        )
