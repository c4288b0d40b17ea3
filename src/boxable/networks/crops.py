"""A rewrite of two graphs with crop-and-resize between them, for less work.

A linear convolution with a kernel of 1x1 mixes channels, and crop-and-resize mixes places: the order does not matter.
Crops of proposals overlap, so what the second graph computes of each crop, the first one computes of the features once.
The bias follows after the crop, where cells outside of the features are 0.
"""

from dataclasses import replace

from boxable.networks.network import Graph
from boxable.networks.ops import Bias, Conv, Op, Window


def convolve_before_crops(first: Graph, second: Graph) -> tuple[Graph, Graph]:
    """Move the 1x1 convolutions that read the inputs of the second graph, crops of outputs of the first one, there.

    Their results are outputs of the first graph, and their crops inputs of the second one, of the same name.
    """
    moved = [op for op in second.ops if isinstance(op, Conv) and op.source in second.inputs and op.window == Window()]
    convolutions = [replace(op, source=first.outputs[op.source], activation=None, adds_bias=False) for op in moved]
    biases = {op.name: Bias(f"{op.name}/biased", op.name, op, op.activation) for op in moved}
    outputs = {**first.outputs, **{op.name: op.name for op in moved}}
    inputs = {**second.inputs, **{op.name: second.shapes[op.name] for op in moved}}
    kept = [_reading(op, {name: bias.name for name, bias in biases.items()}) for op in second.ops if op not in moved]
    return (
        replace(first, ops=(*first.ops, *convolutions), outputs=outputs),
        replace(second, ops=(*biases.values(), *kept), inputs=inputs),
    )


def _reading(op: Op, renamed: dict[str, str]) -> Op:
    """Replace the names of tensors that a convolution reads."""
    return replace(op, source=renamed.get(op.source, op.source)) if isinstance(op, Conv) else op
