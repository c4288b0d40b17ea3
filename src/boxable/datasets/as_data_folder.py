"""A set of any format as a data folder, for those who need its index."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from boxable.datasets import annotated_tables
from boxable.datasets.annotated_formats import FORMATS, TABLES, format_of
from boxable.datasets.index import remove_index
from boxable.datasets.scratch import scratch_folder
from boxable.formats.annotated.image import AnnotatedSet


@contextmanager
def as_data_folder(path: Path, out: Path | None = None) -> Iterator[tuple[Path, AnnotatedSet | None]]:
    """Yield a data folder, and the set that it was made of, which knows what was dropped; None if nothing was made.

    It is the folder itself if that is one; else the set is converted to a temporary one with links to the images, made
    in `out` if that is given, which is gone when the block ends. Raises as `open_set` does.
    """
    name = format_of(path)
    if path.is_dir() and name in TABLES:
        yield path, None
        return
    found = FORMATS[name].read(path)
    with TemporaryDirectory() if out is None else scratch_folder(out / path.name) as place:
        folder = Path(place) / (path.resolve().name or "set")
        annotated_tables.write(found, folder, ".parquet", "link")
        try:
            yield folder, found
        finally:
            remove_index(folder)
