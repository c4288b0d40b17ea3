"""Write a YOLO set as Ultralytics reads it: data.yaml, images/, labels/, and lists of the images of each split."""

from pathlib import Path

from boxable.files import writing
from boxable.findings import counted
from boxable.formats.annotated.image import AnnotatedSet
from boxable.formats.annotated.image_files import add_image_file, file_name, file_stem, upright
from boxable.formats.annotated.splits import SHORT_NAMES
from boxable.formats.columns import CLASSES
from boxable.formats.rows import write_classes
from boxable.formats.yolo import data_yaml, yolo_line


def write(images: AnnotatedSet, folder: Path, image_mode: str) -> list[str]:
    """Write a set; classes are numbered from 0 in its order, classes.csv keeps their MIDs. Returns lines of notes.

    An image is called by its id, in one folder for all splits, so that the id stays. data.yaml of several splits names
    train.txt, val.txt and test.txt, whose lines `./images/ID.jpg` are relative to the list. Those of train and val are
    there in any case, since Ultralytics wants both; an image of unknown split is in train, so that none validates that
    was not meant to.
    """
    several = len(images.splits) > 1
    parts = [part for split, part in SHORT_NAMES.items() if part != "test" or split in images.splits]
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    numbers = {item.mid: number for number, item in enumerate(images.classes)}
    lists: dict[str, list[str]] = {part: [] for part in parts}
    unknown = 0
    for image in images.sound():
        unknown += not image.split
        path = folder / "labels" / f"{file_stem(image.image_id)}.txt"
        with writing(path):
            rows = (yolo_line(numbers[mid], box) for mid, box in zip(image.labels, image.box.tolist(), strict=True))
            path.write_text("".join(rows), "utf-8")
        written = add_image_file(images, upright(images, image), folder / "images", image_mode)
        name = written or f"{image.image_id}{Path(file_name(image)).suffix or '.jpg'}"
        lists[SHORT_NAMES[image.split or "train"]].append(f"./images/{name}\n")
    places = {part: f"{part}.txt" for part in parts} if several else {"train": "images", "val": "images"}
    with writing(folder / "data.yaml"):
        (folder / "data.yaml").write_text(data_yaml(images.classes, places), "utf-8")
    write_classes(((item.mid, item.name) for item in images.classes), folder / CLASSES)
    if not several:
        return [
            "data.yaml names the same images for train and val; for two splits convert a folder that train/ and "
            "validation/ are in, as boxable data split makes them"
        ]
    for part, lines in lists.items():
        with writing(folder / f"{part}.txt"):
            (folder / f"{part}.txt").write_text("".join(lines), "utf-8")
    empty = [part for part in ("train", "val") if not lists[part]]
    notes = [f"{part}.txt is empty, and Ultralytics needs train and val to train" for part in empty]
    return [*notes, f"{counted(unknown, 'image|s')} of an unknown split: put into train"] if unknown else notes
