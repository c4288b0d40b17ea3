"""Ground truth, without the temporary files that its images may be."""

from pathlib import Path

from boxable.datasets.ground_truth import open_ground_truth
from boxable.formats.annotations import Annotations


def read_annotations(path: Path) -> Annotations:
    """The columns of a set of any format."""
    with open_ground_truth(path) as annotations:
        return annotations
