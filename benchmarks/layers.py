"""The layers of a single-graph network as rows: sizes, multiply-adds, and the numbers that each reads and writes."""

from dataclasses import dataclass
from math import prod

from boxable.networks.int8_backend import stays_float
from boxable.networks.network import Network
from boxable.networks.ops import Add, Conv, Layer


@dataclass(frozen=True)
class Row:
    """One layer. Maps are square, `size_in` and `size_out` cells a side; `adds` tells whether a residual follows."""

    op: Layer
    name: str
    size_in: int
    inputs: int
    size_out: int
    outputs: int
    kernel_shape: tuple[int, ...]
    macs: int
    adds: bool
    stays_float: bool

    @property
    def is_head(self) -> bool:
        """Whether it predicts."""
        return not isinstance(self.op, Conv)

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a filter of its own."""
        return isinstance(self.op, Conv) and self.op.depthwise

    @property
    def result(self) -> int:
        """Numbers that it writes for one image."""
        return self.size_out**2 * self.outputs

    @property
    def read(self) -> int:
        """Numbers of maps that it reads for one image: its own, and that of the residual."""
        return self.size_in**2 * self.inputs + (self.result if self.adds else 0)


def rows(network: Network) -> list[Row]:
    """List the layers in order."""
    (graph,) = network.graphs.values()
    found = []
    for op in graph.layers:
        shapes = graph.input_shapes(op)
        size_in, _, inputs = shapes[0]
        outputs = graph.shapes[op.name][2] if isinstance(op, Conv) else op.anchors * op.values
        size_out = graph.shapes[op.name][0] if isinstance(op, Conv) else size_in
        adds = any(isinstance(reader, Add) and reader.sources[0] == op.name for reader in graph.readers(op.name))
        kernel = op.variables(shapes)[op.kernel_name]
        found.append(
            Row(op, op.name, size_in, inputs, size_out, outputs, kernel, op.macs(shapes), adds, stays_float(op, graph))
        )
    return found


def weights_of(row: Row) -> int:
    """Count the numbers of its kernel."""
    return prod(row.kernel_shape)
