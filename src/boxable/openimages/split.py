"""Split a data folder into train and validation by a hash of the image id."""

import errno
import os
import shutil
from pathlib import Path

from boxable.datasets.annotated_tables import files_of, named_images
from boxable.datasets.arrow_tables import has_value, import_arrow, unchanged_batches
from boxable.datasets.hash_split import EVERY, is_validation
from boxable.datasets.layout import IMAGE_FOLDER, open_folder, write_description
from boxable.datasets.scratch import new_folder
from boxable.datasets.table_writer import table_writer
from boxable.errors import ArgumentError
from boxable.files import writing
from boxable.formats.annotated.image_files import file_stem
from boxable.formats.tables import column_names, is_table, table_errors
from boxable.progress import progress

TRAIN, VALIDATION = "train", "validation"

# The errors of a file system that cannot make a hard link here.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)


def split(folder: Path, out: Path, every: int = EVERY) -> dict[str, int]:
    """Make the data folders `out`/train and `out`/validation; return the number of images in each.

    Tables with an ImageID are split row by row, in their order and format; others are copied. Images are hard-linked,
    or symbolically where the file system has no hard links. Both folders appear whole. Raises ArgumentError where one
    exists, or the folder cannot be used; BoxableError where reading or writing fails.
    """
    import_arrow()
    source = open_folder(folder)
    ends = {part: out / part for part in (TRAIN, VALIDATION)}
    for end in ends.values():
        if os.path.lexists(end):
            raise ArgumentError(f"{end}: exists; remove it, or give another folder with --out")
    with new_folder(ends[TRAIN]) as train, new_folder(ends[VALIDATION]) as validation:
        places = {TRAIN: train, VALIDATION: validation}
        for table in sorted(path for path in folder.iterdir() if is_table(path)):
            _split_table(table, places, every)
        counts = _link_images(files_of(source, named_images(source)), places, every)
        rule = f"int(sha1(ImageID).hexdigest(), 16) % {every} == 0 is {VALIDATION}"
        for part, place in places.items():
            write_description(place, {**source.about, "part": part, "rule": rule})
    return counts


def _split_table(table: Path, places: dict[str, Path], every: int) -> None:
    import pyarrow.compute as pc

    names = column_names(table)
    if "ImageID" not in names:
        for place in places.values():
            with writing(place / table.name):
                shutil.copyfile(table, place / table.name)
        return
    if len(set(names)) < len(names):
        raise ArgumentError(f"{table}: expected each column once, got {', '.join(names)}")
    schema, batches = unchanged_batches(table)
    with (
        table_writer(places[TRAIN] / table.name, schema) as train,
        table_writer(places[VALIDATION] / table.name, schema) as validation,
    ):
        for batch in batches:
            with table_errors(table, names):
                chosen = has_value(batch.column("ImageID"), lambda image_id: is_validation(image_id, every))
            for writer, rows in ((train, batch.filter(pc.invert(chosen))), (validation, batch.filter(chosen))):
                if rows.num_rows:
                    writer.write(rows)


def _link_images(images: dict[str, Path], places: dict[str, Path], every: int) -> dict[str, int]:
    counts = dict.fromkeys(places, 0)
    for place in places.values():
        with writing(place):
            (place / IMAGE_FOLDER).mkdir()
    with progress("linking", len(images)) as advance:
        for image_id, path in images.items():
            part = VALIDATION if is_validation(image_id, every) else TRAIN
            link = places[part] / IMAGE_FOLDER / f"{file_stem(image_id)}{path.suffix}"
            with writing(link):
                _link(path, link)
            counts[part] += 1
            advance()
    return counts


def _link(image: Path, name: Path) -> None:
    image = image.resolve()  # a relative link would break in another folder
    try:
        os.link(image, name)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        name.symlink_to(image)
