"""The published list of images: where each is, who made it, under which licence."""

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from boxable.datasets.arrow_tables import batches
from boxable.errors import ArgumentError
from boxable.formats.columns import IMAGE_COLUMNS, schema
from boxable.openimages.fetch.addresses import Split
from boxable.openimages.fetch.ledger import Ledger, Wanted
from boxable.openimages.table_writer import table_writer

Source = Literal["bucket", "original"]

_FILE_NAME = r"^[0-9A-Za-z_][0-9A-Za-z_.-]*\z"


def narrow_images(source: Path, wanted: Any) -> Any:
    """The rows of these images, each once, sorted by id: a `pyarrow.Table`; None takes all that are listed.

    `wanted` is an Arrow array of ids. Images that are not listed are left out.

    Raises ArgumentError for a list that cannot be used, and for an id that is no file name.
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
            f"{source}: image id {odd[0].as_py()!r}; expected letters and digits, as in 000a1249af2bc5f0"
        )
    return table


def _each_once(table: Any) -> Any:
    """The rows in order of ImageID, of each image the first. The published lists are so; copying them takes a GB."""
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
