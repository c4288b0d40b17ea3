"""Networks: named graphs of operations, how images become their input, and the head that makes detections."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from boxable.arrays import Floats
from boxable.networks.heads import DetectionHead
from boxable.networks.ops import Conv, Dense, Layer, Op, Predict, Shape, VariableShapes
from boxable.networks.preprocess import Preprocess

# Part of the name under which compiled graphs are cached: raise it whenever what is built from a network changes.
GRAPH_VERSION = 5
# Of resized images, in pixels.
LONGEST_SIDE = 1024


@dataclass(frozen=True)
class Graph:
    """Operations that are compiled together, each after those that it reads.

    `inputs` are shapes without the batch by name, `outputs` tensors by the name under which they are returned. `rows`
    is the batch to compile for where a batch is not one of images (crops of proposals); None: one of images.
    """

    ops: tuple[Op, ...]
    inputs: Mapping[str, Shape]
    outputs: Mapping[str, str]
    rows: int | None = None

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Shape of every tensor, by name."""
        shapes = dict(self.inputs)
        for op in self.ops:
            shapes[op.name] = op.output_shape([shapes[source] for source in op.sources])
        return shapes

    @cached_property
    def largest_shapes(self) -> dict[str, Shape]:
        """As `shapes`, for an input of `LONGEST_SIDE` where its size is not known."""
        inputs = {name: tuple(size or LONGEST_SIDE for size in shape) for name, shape in self.inputs.items()}
        return replace(self, inputs=inputs).shapes

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The operations that have variables, in order."""
        return tuple(op for op in self.ops if isinstance(op, Conv | Predict | Dense))

    def input_shapes(self, op: Op) -> list[Shape]:
        """Shapes of what an operation reads."""
        return [self.shapes[source] for source in op.sources]

    def readers(self, tensor: str) -> list[Op]:
        """List the operations that read a tensor."""
        return [op for op in self.ops if tensor in op.sources]


@dataclass(frozen=True)
class ClassColumns:
    """How the outputs of a layer hold the classes: [groups, (background,) classes, `values` of each class]."""

    background: bool = True
    values: int = 1

    def grouped(self, outputs: Floats, num_classes: int) -> Floats:
        """View a tensor with the layer's outputs on its last axis as `[..., groups, columns, values]`.

        The background is column 0 if there is one; classes follow in order.
        """
        return outputs.reshape(*outputs.shape[:-1], -1, num_classes + self.background, self.values)


@dataclass(frozen=True)
class Network:
    """An architecture for a number of classes (the background not counted).

    `class_layers` names the layers whose outputs hold classes, the one that tells their number first. With
    `classes_compete` the score of a class depends on all columns (softmax), so that none can be left out. `is_large`:
    one image takes so much memory and time that images run one after the other, each on all threads. For training,
    `scopes` names layers that are trained together, and `initial_stddevs` has the standard deviation of each layer's
    initial kernel (a normal distribution, truncated at two of them).
    """

    name: str
    num_classes: int
    graphs: Mapping[str, Graph]
    preprocess: Preprocess
    head: DetectionHead
    class_layers: Mapping[str, ClassColumns] = field(default_factory=dict)
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    initial_stddevs: Mapping[str, float] = field(default_factory=dict)
    classes_compete: bool = False
    is_large: bool = False

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The operations that have variables, in order."""
        return tuple(layer for graph in self.graphs.values() for layer in graph.layers)

    @cached_property
    def variables(self) -> VariableShapes:
        """TF variable name -> shape, all of them."""
        return {
            name: shape
            for graph in self.graphs.values()
            for layer in graph.layers
            for name, shape in layer.variables(graph.input_shapes(layer)).items()
        }

    @property
    def macs(self) -> int | None:
        """Multiply-adds for one image; None if they depend on its size."""
        try:
            return sum(
                layer.macs(graph.input_shapes(layer)) for graph in self.graphs.values() for layer in graph.layers
            )
        except ValueError:
            return None
