"""Run the original's create_oid_tf_record with its own flags; --input_label_map is a JSON file of MIDs and their ids.

Two things do not work in the Pythons of today, and are replaced: its reader of label maps needs protobuf as it was in
2019, with which it cannot write image labels, and it opens images as text.
"""

import json
import sys
import types
from pathlib import Path

reader = types.ModuleType("label_map_util")
reader.get_label_map_dict = lambda path: json.loads(Path(path).read_text())
sys.modules["object_detection.utils.label_map_util"] = reader

import tensorflow.compat.v1 as tf  # noqa: E402
from object_detection.dataset_tools import create_oid_tf_record  # noqa: E402

tf.gfile.Open = lambda path: tf.gfile.GFile(path, "rb")
tf.app.run(create_oid_tf_record.main)
