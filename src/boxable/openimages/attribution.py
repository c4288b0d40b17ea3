"""Author and licence of images."""

from collections.abc import Collection
from dataclasses import dataclass

from boxable.datasets.arrow_tables import batches
from boxable.datasets.layout import DataFolder
from boxable.formats.columns import IMAGE_COLUMNS

_COLUMNS = {name: IMAGE_COLUMNS[name] for name in ("ImageID", "Author", "License", "OriginalLandingURL", "OriginalURL")}


@dataclass(frozen=True, slots=True)
class Attribution:
    """Author, URL of the licence, URL of the image; each may be empty."""

    author: str
    licence: str
    address: str


def attributions(folder: DataFolder, image_ids: Collection[str]) -> dict[str, Attribution]:
    """Read the attributions of these images from the table of images, by id; streams the table."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(list(image_ids), pa.string())
    found: dict[str, Attribution] = {}
    for batch in batches(folder.images, _COLUMNS) if folder.images else ():
        rows = batch.filter(pc.is_in(batch.column("ImageID"), wanted)).to_pylist()
        for row in rows:
            address = row["OriginalLandingURL"] or row["OriginalURL"]
            found[row["ImageID"]] = Attribution(row["Author"], row["License"], address)
    return found
