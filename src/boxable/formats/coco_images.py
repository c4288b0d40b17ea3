"""Find the image files that a COCO file names."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from boxable.formats.annotated.image_files import ImageFiles


def find_named_images(path: Path, names: Mapping[str, str]) -> dict[str, Path]:
    """Find the files of images, of which `names` gives the file name by id, of the COCO file `path`.

    They are in images/ (or JPEGImages/, data/) or beside the file; of annotations/instances_val2017.json also in
    val2017/ and images/ beside annotations/. A name may have folders that are not there, such as of another machine:
    then the end of it counts, unless another image has the same file. Without a file of that name, the one with this
    id, or the only one with this name but for its suffix, is taken. Nothing outside these folders is.
    """
    folders = _folders(path)
    found: dict[str, Path] = {}
    shortened: dict[str, Path] = {}
    for key, name in names.items():
        exact, *others = _ends(name)
        if file := _first(folders, exact):
            found[key] = file
        elif file := next(filter(None, (_first(folders, other) for other in others)), None):
            shortened[key] = file
    counts = Counter([*found.values(), *shortened.values()])
    found |= {key: file for key, file in shortened.items() if counts[file] == 1}
    missing = [key for key in names if key not in found]
    find = _finder(path, folders) if missing else None
    return found | {key: file for key in missing if find and (file := find(key)) and not counts[file]}


def _folders(path: Path) -> list[Path]:
    folders = [ImageFiles(path.parent).folder, path.parent]
    if path.parent.name.lower() == "annotations":
        root, part = path.parent.parent, path.stem.partition("_")[2]
        images = ImageFiles(root).folder
        folders += [images / part, root / part, images]
    return folders


def _finder(path: Path, folders: list[Path]) -> Callable[[str], Path | None]:
    """Return what finds an image by id: in the image folder, else beside the file."""
    image_folder = next((folder for folder in folders if folder.is_dir() and folder != path.parent), None)
    return (ImageFiles(image_folder) if image_folder else ImageFiles(path.parent, nested=False)).find


def _ends(name: str) -> Iterator[str]:
    """Yield the name as a path with `/` that leads nowhere else, and its ends without the first folders."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    yield from ("/".join(parts[start:]) for start in range(max(len(parts), 1)))


def _first(folders: list[Path], name: str) -> Path | None:
    try:
        return next((path for folder in folders if name and (path := folder / name).is_file()), None)
    except (OSError, ValueError):  # no name of a file
        return None
