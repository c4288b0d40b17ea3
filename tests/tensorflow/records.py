"""Compare TFRecord shards in TensorFlow: python records.py PREFIX OTHER_PREFIX; prints how many examples agree."""

import glob
import sys

import tensorflow as tf

prefix, other = sys.argv[1:]
agreeing = 0
for path in sorted(glob.glob(f"{prefix}-*")):
    pairs = [tf.data.TFRecordDataset(name).as_numpy_iterator() for name in (path, other + path[len(prefix) :])]
    for ours, theirs in zip(*map(list, pairs), strict=True):
        examples = [tf.train.Example.FromString(data) for data in (ours, theirs)]
        if examples[0] != examples[1]:
            sys.exit(f"{path}: {sorted(examples[0].features.feature)} are not {sorted(examples[1].features.feature)}")
        agreeing += 1
print(agreeing)
