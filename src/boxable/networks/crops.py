"""A rewrite of two graphs with crop-and-resize between them, for less work.

A linear convolution with a kernel of 1x1 mixes channels, and crop-and-resize mixes places: the order does not matter.
Crops of proposals overlap, so what the second graph computes of each crop, the first one computes of the features once.
The bias follows after the crop, where cells outside of the features are 0.
"""

from dataclasses import replace

from boxable.networks.network import Graph
from boxable.networks.ops import Bias, Conv, Window


def convolve_before_crops(first: Graph, second: Graph) -> tuple[Graph, Graph]:
    """Move the 1x1 convolutions that read the inputs of the second graph, crops of outputs of the first one, there.

    Their results are outputs of the first graph, and their crops inputs of the second one, by name with "/linear".
    """
    moved = [op for op in second.ops if isinstance(op, Conv) and op.source in second.inputs and op.window == Window()]
    convolutions = [replace(op, source=first.outputs[op.source], activation=None, adds_bias=False) for op in moved]
    names = {op: f"{op.name}/linear" for op in moved}
    outputs = {**first.outputs, **{name: op.name for op, name in names.items()}}
    inputs = {**second.inputs, **{name: second.shapes[op.name] for op, name in names.items()}}
    # With the names of the convolutions, which other operations read.
    biases = [Bias(op.name, name, op, op.activation) for op, name in names.items()]
    kept = [op for op in second.ops if op not in moved]
    return (
        replace(first, ops=(*first.ops, *convolutions), outputs=outputs),
        replace(second, ops=(*biases, *kept), inputs=inputs),
    )
