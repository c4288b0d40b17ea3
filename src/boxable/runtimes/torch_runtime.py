"""torch, on a CUDA GPU where there is one: for many images at once, and for post-processing on the GPU."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from boxable.arrays import Floats
from boxable.errors import ArgumentError, MissingExtraError
from boxable.runtimes.interface import Concurrency
from boxable.weights.compiled import Compiled

if TYPE_CHECKING:
    from torch import Tensor


# A process that was forked from this one computes on one thread: OpenMP would wait for the threads of the parent.
_PROCESS = os.getpid()


class TorchRuntime:
    """The graphs of a model as torch modules; in float16 with `half`.

    On a GPU, outputs stay there, and a call computes without TF32: results would differ in the third digit. Without a
    GPU, a call sets torch's threads for the thread that calls it. Raises MissingExtraError without torch, and
    ArgumentError for `half` without a GPU.
    """

    def __init__(self, compiled: Compiled, concurrency: Concurrency, *, half: bool = False) -> None:
        try:
            import torch
        except ImportError:
            raise MissingExtraError("the torch runtime", "boxable[torch]") from None
        from boxable.networks.torch_backend import TorchGraph  # imports torch

        self.on_gpu = torch.cuda.is_available()
        if half and not self.on_gpu:
            raise ArgumentError("precision='fp16': expected a CUDA GPU that torch sees, got none; use 'fp32'")
        self.device, self._dtype = (
            torch.device("cuda" if self.on_gpu else "cpu"),
            torch.float16 if half else torch.float32,
        )
        self._threads = concurrency.threads_each if os.getpid() == _PROCESS else 1
        model = compiled.model()
        with _settings(self._threads, on_gpu=self.on_gpu):
            modules = {
                name: TorchGraph(graph, model.weights, folded=True) for name, graph in model.network.graphs.items()
            }
            self._modules = {
                name: module.eval().requires_grad_(False).to(self.device, self._dtype)
                for name, module in modules.items()
            }

    def run(self, graph: str, inputs: Mapping[str, Floats]) -> Mapping[str, Any]:
        """Run a graph; see `Runtime.run`. Outputs are tensors if torch computes on a GPU."""
        import torch

        with _settings(self._threads, on_gpu=self.on_gpu):
            tensors = {name: torch.tensor(values, device=self.device) for name, values in inputs.items()}
            outputs = self.tensors(graph, tensors)
        if self.on_gpu:
            return outputs
        return {name: values.numpy() for name, values in outputs.items()}

    def tensors(self, graph: str, inputs: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
        """Run a graph for tensors on `device`; outputs have the precision of the runtime."""
        import torch

        with torch.inference_mode(), _settings(self._threads, on_gpu=self.on_gpu):
            typed = {name: values.to(self._dtype) for name, values in inputs.items()}
            return dict(self._modules[graph](typed))


@contextmanager
def _settings(threads: int, *, on_gpu: bool) -> Iterator[None]:
    """Set torch's threads, or on a GPU full float32 precision; the process gets its own settings back."""
    import torch

    if on_gpu:
        cudnn = torch.backends.cudnn
        with cudnn.flags(cudnn.enabled, cudnn.benchmark, deterministic=cudnn.deterministic, allow_tf32=False):
            yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def sees_gpu() -> bool:
    """Tell whether torch is installed and sees a CUDA GPU; imports it only where an NVIDIA driver is."""
    if find_spec("torch") is None or shutil.which("nvidia-smi") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())
