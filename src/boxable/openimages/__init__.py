"""Open Images as data: fetch, convert, split, expand, check and show a data folder."""

from boxable.datasets.dataset import Dataset, Targets
from boxable.datasets.shard import Shard

__all__ = ["Dataset", "Shard", "Targets"]
