"""A graph in two: what training leaves as it is, and what it changes."""

from collections.abc import Collection

from boxable.networks.network import Graph
from boxable.networks.ops import Op


def partition(graph: Graph, trained: Collection[str]) -> tuple[Graph, Graph]:
    """Split a graph into its frozen and its trained part: the operations that depend on a trained layer.

    `trained` are names of layers; those of other graphs do not matter. Tensors of the frozen part that the trained part
    reads, or that the graph returns, are outputs of the first graph and inputs of the second, by tensor name; these can
    be inputs of the graph. The second graph has the outputs of the graph.
    """
    changing: set[str] = set()
    parts: tuple[list[Op], list[Op]] = ([], [])
    for op in graph.ops:
        changes = op.name in trained or not changing.isdisjoint(op.sources)
        parts[changes].append(op)
        if changes:
            changing.add(op.name)
    frozen_ops, trained_ops = parts
    read = {source for op in trained_ops for source in op.sources} | set(graph.outputs.values())
    boundary = [name for name in graph.shapes if name in read and name not in changing]
    return (
        Graph(tuple(frozen_ops), graph.inputs, {name: name for name in boundary}, graph.rows),
        Graph(tuple(trained_ops), {name: graph.shapes[name] for name in boundary}, graph.outputs, graph.rows),
    )
