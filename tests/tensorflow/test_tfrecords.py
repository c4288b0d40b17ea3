"""TFRecord shards hold what `create_oid_tf_record` writes, feature for feature, and TensorFlow reads them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from boxable.formats.annotated.tfrecord import shard_paths
from boxable.formats.annotated.tfrecord_framing import parse_example, read_records
from boxable.openimages.convert_set import convert
from boxable.vocabulary import open_images
from tests.conftest import ROOT

pytestmark = pytest.mark.tensorflow

SHARDS = 7
FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def python() -> str:
    """The Python of the original's environment."""
    path = Path(os.environ.get("BOXABLE_TENSORFLOW", ROOT / ".venv-tensorflow" / "bin" / "python"))
    if not path.exists():
        pytest.skip("the original's environment is not there; run: make test-tensorflow")
    return str(path)


def run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("labels", [False, True], ids=["boxes alone", "with image labels"])
def test_the_shards_are_those_of_the_original(python: str, data: Path, tmp_path: Path, labels: bool) -> None:
    source = tmp_path / "set"
    source.mkdir()
    (source / "images").symlink_to(data / "eval-oi" / "images")
    boxes = source / "annotations-bbox.csv"
    boxes.symlink_to(data / "eval-oi" / boxes.name)
    image_labels = source / "annotations-human-imagelabels.csv"
    if labels:
        image_labels.symlink_to(data / "eval-oi" / image_labels.name)
    label_map = tmp_path / "labels.json"
    label_map.write_text(json.dumps({item.mid: item.label_id for item in open_images()}))

    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    convert(source, ours, "tfrecord", shards=SHARDS)
    run(
        python, FOLDER / "original_records.py",
        f"--input_box_annotations_csv={boxes}", f"--input_images_directory={source / 'images'}",
        f"--input_label_map={label_map}", f"--output_tf_record_path_prefix={theirs}", f"--num_shards={SHARDS}",
        *([f"--input_image_label_annotations_csv={image_labels}"] if labels else []),
    )  # fmt: skip

    assert run(python, FOLDER / "records.py", ours, theirs).split() == ["26"]
    for mine, other in zip(shard_paths(ours, SHARDS), shard_paths(theirs, SHARDS), strict=True):
        for first, second in zip(read_records(mine), read_records(other), strict=True):
            assert parse_example(first, "ours") == parse_example(second, "theirs")
