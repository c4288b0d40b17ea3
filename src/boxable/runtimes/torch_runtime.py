"""torch, on a CUDA GPU where there is one: for many pictures at once, and for what goes on in torch afterwards."""

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from boxable.errors import ArgumentError, MissingExtraError
from boxable.weights.model import Description

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float32]
Images = Floats | NDArray[np.uint8]


class TorchRuntime:
    """The network of a float graph as a torch module, ready to run; as OnnxRuntime. With `half` it computes in float16.

    On a GPU, torch's TF32 is switched off for the whole process: results would differ in the third digit. Without one,
    `run` sets torch to `threads` threads, in the thread that calls it. Raises MissingExtraError without torch,
    ArgumentError for `half` without a GPU, and WeightsError, which begins with `name`, for a graph that Boxable did not
    make.
    """

    def __init__(self, graph: bytes, name: str, threads: int, *, half: bool = False) -> None:
        try:
            import torch
        except ImportError:
            raise MissingExtraError("the torch runtime", "boxable[torch]") from None
        # Loads onnx, and the module torch, which others need not wait for.
        from boxable.networks.onnx_graph import read_onnx
        from boxable.networks.torch_module import TorchNetwork

        on_gpu = torch.cuda.is_available()
        if half and not on_gpu:
            raise ArgumentError("precision='fp16' came, and torch sees no CUDA GPU; expected 'fp32'")
        self._metadata, weights = read_onnx(graph, name)
        network = Description.from_metadata(self._metadata, name).network
        self._module = TorchNetwork(network, weights).eval().requires_grad_(False)
        self.device, self._dtype = torch.device("cuda" if on_gpu else "cpu"), torch.float16 if half else torch.float32
        self.on_gpu, self._threads = on_gpu, threads
        self._module.to(self.device, self._dtype)
        if on_gpu:
            torch.backends.cudnn.allow_tf32 = False
            torch.backends.cuda.matmul.allow_tf32 = False

    @property
    def metadata(self) -> Mapping[str, str]:
        """The string table stored in the graph."""
        return self._metadata

    @property
    def shapes(self) -> dict[str, list[int | str]]:
        """Shape of each input and output; names stand for sizes that are free."""
        network = self._module.network
        return {
            "images": ["batch", network.input_size, network.input_size, 3],
            "box_encodings": ["batch", network.num_anchors, 4],
            "class_logits": ["batch", network.num_anchors, network.num_classes + 1],
        }

    def run(self, images: Floats) -> tuple[Floats, Floats]:
        """Box codes `[B, anchors, 4]` and class logits `[B, anchors, classes + 1]` of images `[B, size, size, 3]`."""
        codes, logits = self.heads(self.to_device(images))
        return codes.float().cpu().numpy(), logits.float().cpu().numpy()

    def to_device(self, values: Images) -> "Tensor":
        """A copy of an array as a tensor on `device`."""
        import torch

        return torch.tensor(values, device=self.device)

    def heads(self, images: "Tensor") -> tuple["Tensor", "Tensor"]:
        """As `run`, with tensors on `device`: images float32 in -1..1 or uint8; heads in the network's own precision.

        uint8 images `[B, size, size, 3]` are scaled as the network was trained (SEMANTICS §2.1).
        """
        import torch

        if not self.on_gpu:
            torch.set_num_threads(self._threads)
        with torch.inference_mode():
            if images.dtype == torch.uint8:
                images = images.float() * (2.0 / 255.0) - 1.0
            codes, logits = self._module(images.to(self._dtype))
            return codes, logits


def sees_gpu() -> bool:
    """Whether torch is installed and sees a CUDA GPU; loads it only where an NVIDIA driver is."""
    if find_spec("torch") is None or shutil.which("nvidia-smi") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())
