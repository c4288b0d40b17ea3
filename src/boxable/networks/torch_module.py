"""A network and its weights as a torch module; batch norm is folded, as in the ONNX graph. Needs torch."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from boxable.networks.layers import Layer, Network, Weights
from boxable.networks.onnx_graph import fold


class TorchNetwork(nn.Module):
    """The layer table as convolutions; `layers` holds them by the names that the table gives them.

    `forward` takes images `[B, size, size, 3]` in -1..1, in the module's own dtype, and gives box codes
    `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` (SEMANTICS §5).
    """

    def __init__(self, network: Network, weights: Weights) -> None:
        super().__init__()
        self.network = network
        self.layers = nn.ModuleDict({layer.name: Convolution(layer, weights) for layer in network.layers})
        # Pixels with all their channels side by side: heads come out anchor by anchor without a transpose.
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Box codes and class logits."""
        maps = {"image": images.permute(0, 3, 1, 2)}
        for layer in self.network.backbone:
            made = self.layers[layer.name](maps[layer.source])
            maps[layer.name] = made + maps[layer.shortcut] if layer.shortcut else made
        codes, logits = [], []
        for item in self.network.feature_maps:
            values = maps[item.layer.name]
            codes.append(_by_anchor(self.layers[item.box_head.name](values), 4))
            logits.append(_by_anchor(self.layers[item.class_head.name](values), self.network.num_classes + 1))
        return torch.cat(codes, 1), torch.cat(logits, 1)


class Convolution(nn.Module):
    """One row of the table: padding as TF's SAME, convolution with bias, and ReLU6 where the row has one."""

    def __init__(self, layer: Layer, weights: Weights) -> None:
        super().__init__()
        kernel, bias = fold(layer, weights)
        before, after = layer.padding
        # torch pads both sides alike; where TF does not, it is done beforehand.
        self.uneven = [before, after, before, after] if before != after else None
        self.relu6 = layer.relu6
        self.convolution = nn.Conv2d(
            layer.inputs, layer.outputs, layer.kernel, layer.stride,
            padding=0 if self.uneven else before, groups=layer.inputs if layer.depthwise else 1,
        )  # fmt: skip
        kernel = kernel.transpose((2, 3, 0, 1) if layer.depthwise else (3, 2, 0, 1))
        with torch.no_grad():
            self.convolution.weight.copy_(torch.from_numpy(kernel.copy()))
            self.convolution.bias.copy_(torch.from_numpy(bias.copy()))

    def forward(self, values: Tensor) -> Tensor:
        """The map `[B, outputs, size_out, size_out]` of a map `[B, inputs, size_in, size_in]`."""
        if self.uneven:
            values = functional.pad(values, self.uneven)
        made = self.convolution(values)
        return functional.relu6(made, inplace=True) if self.relu6 else made


def _by_anchor(head: Tensor, values: int) -> Tensor:
    return head.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, values))
