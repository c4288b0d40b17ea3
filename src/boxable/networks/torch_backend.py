"""A graph and its weights as a torch module; batch norm is folded. Needs torch."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from boxable.networks.network import Graph
from boxable.networks.ops import Activation, Add, Concat, Conv, Dense, Layer, Pool, Predict, Shape, SpatialMean, Window
from boxable.networks.walk import Weights, fold, walk


class TorchGraph(nn.Module):
    """The layers of a graph, by name; `forward` walks the graph.

    It takes the graph's inputs by name, `[batch, *shape]` with maps as NHWC, in the module's own dtype, and returns the
    outputs by name in the same layout. Between, maps are NCHW in torch's channels-last memory format.
    """

    def __init__(self, graph: Graph, weights: Weights) -> None:
        super().__init__()
        self.graph = graph
        self.layers = nn.ModuleDict({layer.name: _module(layer, graph, weights) for layer in graph.layers})
        # Pixels with all their channels side by side: predictions come out row by row without a transpose.
        self.to(memory_format=torch.channels_last)

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute the outputs of the graph."""
        maps = {name: values.permute(0, 3, 1, 2) if values.ndim == 4 else values for name, values in inputs.items()}
        outputs = walk(self.graph, self, maps)
        return {name: values.permute(0, 2, 3, 1) if values.ndim == 4 else values for name, values in outputs.items()}

    def conv(self, op: Conv, source: Tensor) -> Tensor:
        padded = source if _even_pads(op.window, self.graph.input_shapes(op)[0]) else _pad(source, op.window)
        return _activate(op.activation, self.layers[op.name](padded))

    def predict(self, op: Predict, source: Tensor) -> Tensor:
        predicted: Tensor = self.layers[op.name](source)
        return predicted.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, op.values))

    def dense(self, op: Dense, source: Tensor) -> Tensor:
        computed: Tensor = self.layers[op.name](source)
        return computed

    def add(self, op: Add, first: Tensor, second: Tensor) -> Tensor:
        return _activate(op.activation, first + second if op.scale == 1 else op.scale * first + second)

    def concat(self, op: Concat, sources: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(sources), 1)  # channels of NCHW and of vectors, rows of tables

    def pool(self, op: Pool, source: Tensor) -> Tensor:
        kernel, stride = op.window.kernel, op.window.stride
        if op.kind == "max":
            return functional.max_pool2d(_pad(source, op.window, float("-inf")), kernel, stride)
        # Averages of the cells of the map alone: those of padded zeros, divided by those of padded ones.
        ones = torch.ones_like(source[:1, :1])
        shares = functional.avg_pool2d(_pad(ones, op.window), kernel, stride)
        return functional.avg_pool2d(_pad(source, op.window), kernel, stride) / shares

    def spatial_mean(self, op: SpatialMean, source: Tensor) -> Tensor:
        return source.mean((2, 3))


def _module(layer: Layer, graph: Graph, weights: Weights) -> nn.Module:
    """Make the torch layer of a layer with its weights, without its activation, and without uneven padding."""
    kernel, bias = fold(layer, weights)
    if isinstance(layer, Dense):
        module: nn.Module = nn.Linear(*kernel.shape)
        kernel = kernel.T
    else:
        window = layer.window if isinstance(layer, Conv) else Window()
        depthwise = isinstance(layer, Conv) and layer.depthwise
        groups = len(bias) if depthwise else 1
        pads = _even_pads(window, graph.input_shapes(layer)[0]) or 0
        inputs = len(bias) if depthwise else kernel.shape[2]
        module = nn.Conv2d(inputs, len(bias), window.kernel, window.stride, pads, window.dilation, groups)
        kernel = kernel.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(kernel.copy()))
        module.bias.copy_(torch.from_numpy(bias.copy()))
    return module


def _even_pads(window: Window, shape: Shape) -> tuple[int, int] | None:
    """Return the padding by height and width, if both sides have the same; torch's layers can pad no other way."""
    pads = window.pads(shape)
    return pads[:2] if pads is not None and pads[:2] == pads[2:] else None


def _pad(values: Tensor, window: Window, value: float = 0.0) -> Tensor:
    """Pad a map as TensorFlow does."""
    top, left, bottom, right = window.pads((*values.shape[2:], None)) or (0, 0, 0, 0)
    return functional.pad(values, [left, right, top, bottom], value=value)


def _activate(activation: Activation | None, values: Tensor) -> Tensor:
    if activation == "relu6":
        return functional.relu6(values, inplace=True)
    return functional.relu(values, inplace=True) if activation == "relu" else values
