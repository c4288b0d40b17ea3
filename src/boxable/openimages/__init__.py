"""Open Images as data: a folder of tables and photos, what goes into it and what comes out."""

from boxable.openimages.dataset import Dataset, Targets
from boxable.openimages.shard import Shard

__all__ = ["Dataset", "Shard", "Targets"]
