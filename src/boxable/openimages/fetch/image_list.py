"""The published list of images: where each is, who made it, under which licence."""

import base64
import binascii
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal

from boxable.errors import ArgumentError
from boxable.openimages.arrow_tables import batches, schema
from boxable.openimages.fetch.addresses import Split
from boxable.openimages.fetch.ledger import Ledger, Wanted
from boxable.openimages.layout import IMAGE_COLUMNS
from boxable.openimages.table_writer import table_writer

Source = Literal["bucket", "original"]

_FILE_NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.-]*")


def narrow_images(source: Path, wanted: Collection[str] | None) -> Any:
    """The rows of these images, each once, sorted by id: a `pyarrow.Table`; None takes all that are listed.

    Images that are not listed are left out.

    Raises ArgumentError for a list that cannot be used, and for an id that is no file name.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    chosen = None if wanted is None else frozenset(wanted)
    seen: set[str] = set()
    kept = []
    for batch in batches(source, IMAGE_COLUMNS, needed=("ImageID",)):
        rows = []
        for row, image_id in enumerate(batch.column("ImageID").to_pylist()):
            if image_id not in seen and (chosen is None or image_id in chosen):
                seen.add(image_id)
                rows.append(row)
        if rows:
            kept.append(batch.take(pa.array(rows)))
    table = pa.Table.from_batches(kept, schema(IMAGE_COLUMNS)).unify_dictionaries()
    table = table.take(pc.sort_indices(table.column("ImageID")))
    for image_id in table.column("ImageID").to_pylist():
        if not _FILE_NAME.fullmatch(image_id):
            raise ArgumentError(f"{source}: image id {image_id!r}; expected letters and digits, as in 000a1249af2bc5f0")
    return table


def wanted_images(table: Any, split: Split, source: Source) -> Iterator[Wanted]:
    """The images of such a table, each with its address: in the public bucket, or where it was first published."""
    columns = ["ImageID", "OriginalURL", "OriginalSize", "OriginalMD5"]
    for batch in table.select(columns).to_batches():
        for image_id, url, size, md5 in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if source == "bucket":
                yield Wanted(image_id, f"{split}/{image_id}.jpg")
            else:
                yield Wanted(image_id, url, size or None, _hexadecimal(md5))


def write_images(table: Any, path: Path, ledger: Ledger) -> None:
    """Write images.parquet, with the width and height of the images that the ledger knows."""
    import pyarrow as pa

    with table_writer(path, table.schema) as out:
        for batch in table.to_batches(max_chunksize=1 << 16):
            ids = batch.column("ImageID").to_pylist()
            sizes = ledger.sizes(ids[0], ids[-1])
            for side, name in enumerate(("Width", "Height")):
                values = [sizes.get(image_id, (0, 0))[side] for image_id in ids]
                place = batch.schema.get_field_index(name)
                batch = batch.set_column(place, batch.schema.field(place), pa.array(values, pa.int32()))
            out.write(batch)


def _hexadecimal(md5: str) -> str | None:
    """The MD5 that the list gives in base64; None where it gives none."""
    try:
        digest = base64.b64decode(md5, validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == 16 else None
