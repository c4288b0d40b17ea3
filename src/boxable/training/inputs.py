"""Training batches: features of augmented images, and their targets."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from boxable.files import write_atomically
from boxable.findings import counted
from boxable.prefetch import prefetch
from boxable.progress import progress
from boxable.training.features import FeatureCache, bytes_of_view
from boxable.training.learner import Features
from boxable.training.loader import batches
from boxable.training.order import SampleKey
from boxable.training.samples import Samples
from boxable.training.targets import BatchTargets
from boxable.training.trainee import Trainee

logger = logging.getLogger("boxable")

# Images at once while features are cached, and batches of cached features that are read ahead.
_TOGETHER, _AHEAD = 16, 2

Keys = Sequence[SampleKey]
Batch = tuple[Features, BatchTargets]
Batches = Callable[[Iterable[Keys]], Iterator[Batch]]


@dataclass(frozen=True, slots=True, eq=False)
class BatchSource:
    """The samples of a run, of so many `images`; `workers` processes make them."""

    samples: Samples
    images: int
    workers: int

    def live(self, trainee: Trainee, plan: Iterable[Keys]) -> Iterator[Batch]:
        """Yield the batches of a plan, with features that are computed of the images."""
        for batch in batches(self.samples, plan, self.workers):
            images, targets = batch.images.to(trainee.device), batch.targets.to(trainee.device)
            yield trainee.features_of(images), targets

    def cached(self, trainee: Trainee, views: int, folder: Path) -> Batches:
        """Cache the features of so many views of each image on the disk of a folder; return what reads batches of them.

        The keys of their plans are those of `as_views`.
        """
        keys = [SampleKey(view, position) for view in range(views) for position in range(self.images)]
        size = bytes_of_view(trainee.feature_shapes) / 1e6
        logger.info(
            "caching features: %s of %s, %.2f MB each, %.0f MB in %s",
            counted(views, "view|s"), counted(self.images, "image|s"), size, size * len(keys), folder,
        )  # fmt: skip
        cache = FeatureCache(folder, trainee.feature_shapes, len(keys))
        with progress("caching features", len(keys)) as advance:
            for features, targets in self.live(trainee, list(_chunks(keys, _TOGETHER))):
                cache.append(features, targets)
                advance(len(targets.match))

        def read(keys: Keys) -> Batch:
            rows = [key.epoch * self.images + key.position for key in keys]
            features, targets = cache.read(rows)
            return {name: part.to(trainee.device) for name, part in features.items()}, targets.to(trainee.device)

        return lambda plan: prefetch((read(keys) for keys in plan), _AHEAD)


def as_views(keys: Keys, views: int) -> Keys:
    """Replace samples by views of their images: epoch e has view e, and after the last one the first again."""
    return [SampleKey((key.epoch + key.copy) % views, key.position) for key in keys]


def _chunks(keys: list[SampleKey], size: int) -> Iterator[list[SampleKey]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def save_batch(batches: Sequence[Batch], path: Path) -> None:
    """Write features and targets of the batches of a step, to find out what was wrong with them."""
    from safetensors.torch import save

    tensors = {}
    for number, (features, targets) in enumerate(batches):
        of_targets = {name: getattr(targets, name) for name in ("match", "boxes", "columns", "weights", "verified")}
        for name, values in {**features, **of_targets}.items():
            tensors[f"{number}/{name}"] = values.contiguous()
    write_atomically(path, save(tensors))
