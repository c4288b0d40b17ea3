"""Small sets and their samples, made for tests."""

from pathlib import Path

import numpy as np

from boxable.networks.anchors import ssd_anchors
from boxable.networks.preprocess import Preprocess
from boxable.openimages import Dataset
from boxable.training.images import training_images
from boxable.training.order import SampleOrder
from boxable.training.samples import SampleRules, Samples
from tests.openimages.folders import CAT, DOG, box_row, copy_image_file, photo, write_folder

ANCHORS = ssd_anchors((5, 3, 1))
NUM_CLASSES = 4
COLUMNS = np.full(500, -1, np.int32)
COLUMNS[[446, 122]] = 0, 2  # Dog and Cat
PLAIN = SampleRules(augmentation=None)


def samples_of(folder: Path, rules: SampleRules, seed: int = 0, size: int = 30) -> Samples:
    """The samples of all images of a data folder."""
    dataset = Dataset(folder)
    images, _ = training_images(dataset, np.arange(len(dataset), dtype=np.int32))
    order = SampleOrder(len(images), seed)
    return Samples(images, order, COLUMNS, NUM_CLASSES, ANCHORS, Preprocess((size, size)), rules)


def write_images(folder: Path, count: int) -> Path:
    """A data folder of images i00, i01 ... of different sizes, each with a cat or a dog."""
    rows = [box_row(f"i{number:02}", (CAT, DOG)[number % 2], (0.1, 0.0, 0.6, 0.5)) for number in range(count)]
    write_folder(folder, rows)
    for number in range(count):
        copy_image_file(folder, f"i{number:02}", photo(24 + number, 36 + number))
    return folder
