"""Write the checkpoint again in several shards, with TensorFlow: python shards.py SOURCE DESTINATION."""

import sys

import tensorflow as tf

source, destination = sys.argv[1:]
reader = tf.train.load_checkpoint(source)
names = sorted(reader.get_variable_to_shape_map())
tensors = [reader.get_tensor(name) for name in names]
half = len(names) // 2
parts = []
for number, part in enumerate((slice(0, half), slice(half, None))):
    prefix = f"{destination}.part{number}"
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=names[part], shape_and_slices=[""] * len(names[part]), tensors=tensors[part]
    )
    parts.append(prefix)
tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=destination)
