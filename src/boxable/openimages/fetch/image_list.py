"""The published list of images: address, author and licence of each."""

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from boxable.datasets.arrow_tables import batches
from boxable.datasets.table_writer import table_writer
from boxable.errors import ArgumentError
from boxable.formats.columns import IMAGE_COLUMNS, schema
from boxable.openimages.fetch.addresses import Split
from boxable.openimages.fetch.ledger import Ledger, Wanted

Source = Literal["bucket", "original"]

_FILE_NAME = r"^[0-9A-Za-z_][0-9A-Za-z_.-]*\z"


def narrow_images(source: Path, wanted: Any) -> Any:
    """Select the rows of these images, each once, sorted by id; returns a `pyarrow.Table`.

    `wanted` is an Arrow array of ids; None selects all images. Unlisted images are ignored.

    Raises ArgumentError for an invalid list, and for an id that is no file name.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = []
    for batch in batches(source, IMAGE_COLUMNS, needed=("ImageID",)):
        rows = batch if wanted is None else batch.filter(pc.is_in(batch.column("ImageID"), wanted))
        if rows.num_rows:
            kept.append(rows)
    table = _each_once(pa.Table.from_batches(kept, schema(IMAGE_COLUMNS)).unify_dictionaries())
    ids = table.column("ImageID")
    odd = ids.filter(pc.invert(pc.match_substring_regex(ids, _FILE_NAME)))
    if len(odd):
        raise ArgumentError(
            f"{source}: expected image ids of letters and digits like 000a1249af2bc5f0, got {odd[0].as_py()!r}"
        )
    return table


def _each_once(table: Any) -> Any:
    """Sort by ImageID and keep the first row of each. A sorted list is not copied, which takes a GB."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = table.column("ImageID")
    if not pc.all(pc.less_equal(ids[:-1], ids[1:]), min_count=0).as_py():
        table = table.take(pc.sort_indices(ids))
        ids = table.column("ImageID")
    is_first = pc.not_equal(ids[1:], ids[:-1])
    if pc.all(is_first, min_count=0).as_py():
        return table
    return table.filter(pa.chunked_array([pa.array([True]), *is_first.chunks]))


def wanted_images(table: Any, split: Split, source: Source) -> Iterator[Wanted]:
    """Yield the images of such a table with their addresses: in the public bucket, or of the originals."""
    columns = ["ImageID", "OriginalURL", "OriginalSize", "OriginalMD5"]
    for batch in table.select(columns).to_batches():
        for image_id, url, size, md5 in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if source == "bucket":
                yield Wanted(image_id, f"{split}/{image_id}.jpg")
            else:
                yield Wanted(image_id, url, size or None, _hexadecimal(md5))


def write_images(table: Any, path: Path, ledger: Ledger) -> None:
    """Write images.parquet, with width and height from the ledger."""
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
    """Convert an MD5 from base64; return None for anything else."""
    try:
        digest = base64.b64decode(md5, validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == 16 else None
