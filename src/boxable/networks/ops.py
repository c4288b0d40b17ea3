"""Operations of a network graph, and the shapes, variables and multiply-adds that follow from them.

Shapes leave the batch out: a feature map is (height, width, channels), a table of predictions (rows, values), a vector
(channels,). None stands for a size that is not known before an image is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

Shape = tuple[int | None, ...]
VariableShapes = dict[str, tuple[int, ...]]
Padding = Literal["SAME", "VALID"]
Activation = Literal["relu", "relu6"]
# "batch" has gamma, beta and the moving statistics; "batch_without_gamma" has no gamma (Inception, in TF-slim).
Norm = Literal["batch", "batch_without_gamma"]

BATCH_NORM_VECTORS = {
    "batch": ("gamma", "beta", "moving_mean", "moving_variance"),
    "batch_without_gamma": ("beta", "moving_mean", "moving_variance"),
}


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window over a map: height and width in cells, stride, dilation, and TensorFlow's padding."""

    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    dilation: int = 1
    padding: Padding = "SAME"

    def pads(self, shape: Shape) -> tuple[int, int, int, int] | None:
        """Cells added at the top, left, bottom and right of a map; None if they depend on a size that is not known.

        SAME puts the odd one at the bottom and at the right (SEMANTICS §3.1).
        """
        both = [self._pads(size, kernel) for size, kernel in zip(shape[:2], self.kernel, strict=True)]
        if both[0] is None or both[1] is None:
            return None
        (top, bottom), (left, right) = both[0], both[1]
        return top, left, bottom, right

    def output_size(self, shape: Shape) -> tuple[int | None, int | None]:
        """Height and width of the result."""
        height, width = (self._output(size, kernel) for size, kernel in zip(shape[:2], self.kernel, strict=True))
        return height, width

    def _span(self, kernel: int) -> int:
        return (kernel - 1) * self.dilation + 1

    def _output(self, size: int | None, kernel: int) -> int | None:
        if size is None:
            return None
        return -(-size // self.stride) if self.padding == "SAME" else (size - self._span(kernel)) // self.stride + 1

    def _pads(self, size: int | None, kernel: int) -> tuple[int, int] | None:
        if self.padding == "VALID":
            return 0, 0
        output = self._output(size, kernel)
        if self.stride == 1:
            total = self._span(kernel) - 1
        elif size is None or output is None:
            return None
        else:
            total = max((output - 1) * self.stride + self._span(kernel) - size, 0)
        return total // 2, total - total // 2


@dataclass(frozen=True, slots=True)
class _Unary:
    """An operation that reads one tensor."""

    name: str
    source: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the tensors that it reads."""
        return (self.source,)

    @property
    def kernel_name(self) -> str:
        """TF variable name of the kernel of a layer."""
        return f"{self.name}/weights"


@dataclass(frozen=True, slots=True)
class Conv(_Unary):
    """A convolution with `filters` outputs; depthwise, one filter a channel, if `filters` is None.

    With a `norm` it has the bias of that, without one its own; where `adds_bias` is False, a `Bias` adds it elsewhere.
    Then the result is multiplied by `scale`, as in the residual blocks of Inception-ResNet. The activation comes last.
    """

    filters: int | None
    window: Window = Window()
    norm: Norm | None = "batch"
    activation: Activation | None = None
    adds_bias: bool = True
    scale: float = 1.0

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a filter of its own."""
        return self.filters is None

    @property
    def kernel_name(self) -> str:
        """TF variable name of the kernel."""
        return f"{self.name}/{'depthwise_weights' if self.depthwise else 'weights'}"

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the result for inputs of these shapes."""
        return (*self.window.output_size(shapes[0]), self.filters or shapes[0][2])

    def variables(self, shapes: Sequence[Shape]) -> VariableShapes:
        """TF variable name -> shape: the kernel (height, width, inputs, outputs), then the vectors."""
        inputs = _known(shapes[0][2])
        vectors = [f"BatchNorm/{vector}" for vector in BATCH_NORM_VECTORS[self.norm]] if self.norm else ["biases"]
        return {self.kernel_name: (*self.window.kernel, inputs, self.filters or 1)} | {
            f"{self.name}/{vector}": (self.filters or inputs,) for vector in vectors
        }

    def macs(self, shapes: Sequence[Shape]) -> int:
        """Multiply-adds for one image."""
        height, width, _ = self.output_shape(shapes)
        return _known(height) * _known(width) * prod(self.variables(shapes)[self.kernel_name])


@dataclass(frozen=True, slots=True)
class Predict(_Unary):
    """A 1x1 convolution with bias whose outputs are a table: `values` for each anchor of each cell, row by row.

    The map (height, width, channels) becomes (height * width * anchors, values).
    """

    anchors: int
    values: int

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the result for inputs of these shapes."""
        height, width, _ = shapes[0]
        return (None if height is None or width is None else height * width * self.anchors, self.values)

    def variables(self, shapes: Sequence[Shape]) -> VariableShapes:
        """TF variable name -> shape."""
        outputs = self.anchors * self.values
        return {self.kernel_name: (1, 1, _known(shapes[0][2]), outputs), f"{self.name}/biases": (outputs,)}

    def macs(self, shapes: Sequence[Shape]) -> int:
        """Multiply-adds for one image."""
        return prod(map(_known, shapes[0])) * self.anchors * self.values


@dataclass(frozen=True, slots=True)
class Dense(_Unary):
    """A fully connected layer with bias: a vector (channels,) becomes (units,)."""

    units: int

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the result for inputs of these shapes."""
        return (self.units,)

    def variables(self, shapes: Sequence[Shape]) -> VariableShapes:
        """TF variable name -> shape."""
        return {self.kernel_name: (_known(shapes[0][0]), self.units), f"{self.name}/biases": (self.units,)}

    def macs(self, shapes: Sequence[Shape]) -> int:
        """Multiply-adds for one image."""
        return _known(shapes[0][0]) * self.units


@dataclass(frozen=True, slots=True)
class Pool(_Unary):
    """Maximum or average of a window; cells of the padding do not count."""

    kind: Literal["max", "average"]
    window: Window

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the result for inputs of these shapes."""
        return (*self.window.output_size(shapes[0]), shapes[0][2])


@dataclass(frozen=True, slots=True)
class SpatialMean(_Unary):
    """The mean over height and width: a map (height, width, channels) becomes a vector (channels,)."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the result for inputs of these shapes."""
        return shapes[0][2:]


@dataclass(frozen=True, slots=True)
class Add:
    """The residual connection: the sum of two tensors, and an activation."""

    name: str
    sources: tuple[str, str]
    activation: Activation | None = None

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the result for inputs of these shapes."""
        return shapes[0]


@dataclass(frozen=True, slots=True)
class Concat:
    """Tensors joined along an axis: `channels` of maps or vectors, or `rows` of tables."""

    name: str
    sources: tuple[str, ...]
    axis: Literal["channels", "rows"] = "channels"

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the result for inputs of these shapes."""
        place = 0 if self.axis == "rows" else len(shapes[0]) - 1
        sizes = [shape[place] for shape in shapes]
        total = None if None in sizes else sum(map(_known, sizes))
        return (*shapes[0][:place], total, *shapes[0][place + 1 :])


@dataclass(frozen=True, slots=True)
class Bias(_Unary):
    """The bias of a convolution that does not add it itself, its batch norm folded, and an activation."""

    layer: Conv
    activation: Activation | None = None

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of the result for inputs of these shapes."""
        return shapes[0]


Layer = Conv | Predict | Dense  # those with variables
Op = Layer | Bias | Pool | SpatialMean | Add | Concat


def _known(size: int | None) -> int:
    if size is None:
        raise ValueError("a size that depends on the image is needed here")
    return size
