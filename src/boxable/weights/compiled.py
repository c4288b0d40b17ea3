"""A model as runtimes open it, and the cache of compiled graphs.

BOXABLE_HOME/graphs/<key>/<sha256>.onnx; the key is made of the model's hash, the graph's name, `GRAPH_VERSION`, the
calibration and the selected classes. The cache can be deleted.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from boxable.errors import BoxableError, WeightsError
from boxable.files import write_atomically
from boxable.hashing import sha256_of
from boxable.networks.calibration import Calibration
from boxable.networks.network import GRAPH_VERSION
from boxable.settings import home
from boxable.vocabulary.selection import Selection
from boxable.weights.model import Description, Model
from boxable.weights.select_classes import select_classes, select_description

logger = logging.getLogger("boxable")

Precision = Literal["fp32", "fp16", "bf16", "int8"]


class Compiled:
    """A model that gives, when asked, its graphs as ONNX or TFLite files, or itself; nothing is read before.

    `name` is what the user calls it, and begins errors. `description` is of what the graphs compute. `classes` are
    those to detect: fewer where some are selected of a network whose columns cannot be left out. `digest` tells its
    content from that of other models; graphs of a model without one are not cached. `calibration` raises WeightsError
    where there is none. `reopen` opens it again, in another process too: it can be pickled.
    """

    def __init__(
        self,
        name: str,
        description: Description,
        read: Callable[[], Model],
        calibration: Callable[[], Calibration],
        *,
        reopen: "Callable[[], Compiled]",
        digest: str = "",
        classes: Selection | None = None,
    ) -> None:
        self.name = name
        selected = description if classes is None else select_description(description, classes)
        self.classes = selected.classes
        if description.network.classes_compete:
            selected, classes = description, None
        self.description = selected
        self.calibration = calibration
        self.reopen = reopen
        self._whole, self._read = description, read
        self._classes = classes if len(self.description.classes) < len(description.classes) else None
        self._digest = digest
        self._held: dict[str, bytes] = {}

    def model(self) -> Model:
        """Read the model, with the selected classes. Raises WeightsError."""
        model = self._read()
        return model if self._classes is None else select_classes(model, self._classes)

    def onnx(self, graph: str, precision: Precision) -> bytes:
        """Return a graph as an ONNX model, out of the cache or built now. Raises WeightsError.

        It is held until `release`: memory that is freed and read into again is not the same memory.
        """
        key = f"{graph} {precision}"
        if key not in self._held:
            self._held[key] = self._onnx(graph, self.calibration() if precision == "int8" else None)
        return self._held[key]

    def release(self) -> None:
        """Drop the graphs that are held."""
        self._held.clear()

    def _onnx(self, graph: str, calibration: Calibration | None) -> bytes:
        folder = home() / "graphs" / self._key(graph, calibration)
        cached = _cached(folder) if self._digest else None
        if cached is not None:
            return cached
        built = self._build(graph, calibration)
        if self._digest:
            try:
                write_atomically(folder / f"{sha256_of(built)}.onnx", built)
            except BoxableError as error:
                logger.warning("%s; going on without a cached graph", error)
        return built

    def identity(self, precision: Precision) -> str:
        """Tell it from another content of its file, and in int8 from another calibration; cheaper than fingerprint."""
        return self._key("", self.calibration() if precision == "int8" else None)

    def fingerprint(self, precision: Precision) -> str:
        """Tell what it computes in this precision from what other models compute, whatever their names and files."""
        model = self.model()
        content: list[object] = [GRAPH_VERSION, model.network.name, model.score_threshold]
        content += [[item.label_id, item.mid, item.name] for item in self.classes]
        content += [sha256_of(np.ascontiguousarray(values).tobytes()) for _, values in sorted(model.weights.items())]
        if precision == "int8":
            content.append(self.calibration().to_dict())
        return f"sha256:{sha256_of(json.dumps(content).encode())[:16]}"

    def _key(self, graph: str, calibration: Calibration | None) -> str:
        marks = [self._digest[:20], graph, str(GRAPH_VERSION)]
        if calibration is not None:
            marks.append(f"int8-{sha256_of(json.dumps(calibration.to_dict()).encode())[:8]}")
        if self._classes is not None:
            mids = [item.mid for item in self.description.classes]
            marks.append(f"classes-{sha256_of(json.dumps(mids).encode())[:8]}")
        return "-".join(mark for mark in marks if mark)

    def tflite(self, graph: str, precision: Precision, batch: int) -> bytes:
        """Build a graph as a TFLite file for batches of this size. Raises WeightsError."""
        from boxable.networks.tflite_graph import build_tflite

        model, calibration = self.model(), self.calibration() if precision == "int8" else None
        with self._fitting(calibration):
            return build_tflite(model.network.graphs[graph], model.weights, batch, calibration=calibration)

    def _build(self, graph: str, calibration: Calibration | None) -> bytes:
        from boxable.networks.onnx_graph import build_onnx  # imports onnx, which a cached graph does not need

        model = self.model()
        metadata = model.description.to_metadata()
        with self._fitting(calibration):
            return build_onnx(model.network.graphs[graph], model.weights, metadata, calibration=calibration)

    @contextmanager
    def _fitting(self, calibration: Calibration | None) -> Iterator[None]:
        """Raise WeightsError where a graph cannot be built because its calibration lacks something."""
        try:
            yield
        except (KeyError, ValueError, IndexError):
            if calibration is None:
                raise
            raise WeightsError(
                f"{self.name}: its calibration for int8 does not fit its weights or is of an older version of Boxable; "
                "run `boxable quantize` again"
            ) from None


def compiled_from(model: Model, calibration: Calibration | None = None, classes: Selection | None = None) -> Compiled:
    """Open a model that is in memory; its graphs are not cached."""

    def known() -> Calibration:
        if calibration is None:
            raise WeightsError(f"{model.handle}: a Model has no calibration for int8; only installed models have one")
        return calibration

    reopen = partial(compiled_from, model, calibration, classes)
    return Compiled(model.handle, model.description, lambda: model, known, reopen=reopen, classes=classes)


def _cached(folder: Path) -> bytes | None:
    """Return the graph in this folder; a damaged one is removed."""
    for path in folder.glob("*.onnx"):
        with suppress(OSError):  # another process may remove it; a cache may be read-only
            graph = path.read_bytes()
            if sha256_of(graph) == path.stem:
                return graph
            logger.warning("a cached graph is damaged; building it again")
            path.unlink()
    return None
