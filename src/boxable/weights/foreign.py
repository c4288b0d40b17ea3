"""Read the formats in which detectors were published: checkpoint, graph, module, archive of these, and Boxable's own.

Every reader returns the weights under their names in the file, and what the file says about its classes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import WeightsError
from boxable.vocabulary import ClassList
from boxable.weights.archive import SUFFIXES as ARCHIVES
from boxable.weights.archive import unpacked
from boxable.weights.graph_file import GraphContents, read_frozen_graph, read_saved_model
from boxable.weights.model import Model
from boxable.weights.tensor_bundle import is_mapped, read_bundle
from boxable.weights.tflite_file import read_tflite

# The largest file that is read: a parsed graph may take many times its size, and no detector is larger.
MAX_FILE_BYTES = 512 * 2**20
_THRESHOLD = re.compile(
    r"batch_non_max_suppression\s*\{[^{}]*?\bscore_threshold\s*:\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)"
)
_LABEL_MAP = re.compile(r'\blabel_map_path\s*:\s*"([^"\n]+)"')
_LABEL_FILES = ("*.pbtxt", "label*.txt", "labels.tsv", "assets/*.pbtxt", "assets/*.txt", "assets/*.tsv")
_MAX_TEXT_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Foreign:
    """The content of a file of another program: variables by name, and what it says about its classes.

    `kind` is the format. `classes` are known for certain; `strings` are lists of strings of a graph and
    `label_texts` label files beside it (name, text), which may or may not belong to it. `score_threshold` is
    that of its post-processing, if it has one.
    """

    kind: str
    variables: Mapping[str, NDArray[Any]]
    classes: ClassList | None = None
    strings: tuple[tuple[str, ...], ...] = ()
    label_texts: tuple[tuple[str, str], ...] = ()
    score_threshold: float | None = None


def read_foreign(path: Path) -> Foreign:
    """Read a file, a folder, an archive or a checkpoint prefix. Raises WeightsError."""
    if path.is_dir():
        return _read_folder(path)
    if path.is_file() and path.name.endswith(ARCHIVES):
        with unpacked(path) as folder:
            found = _read_folder(folder)
            # Mapped files end with the folder.
            variables = {
                name: np.array(values) if is_mapped(values) else values for name, values in found.variables.items()
            }
            return replace(found, variables=variables)
    return _with_config(path.parent, _read(path), label_files=False)


def _read(path: Path) -> Foreign:
    """Read the network in one file or checkpoint, without the files beside it."""
    prefix = _checkpoint_prefix(path)
    if prefix is not None:
        return Foreign("checkpoint", read_bundle(prefix))
    if not path.exists():
        raise WeightsError(f"{path}: no such file or folder")
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise WeightsError(
            f"{path}: expected a checkpoint, .pb, .tflite, .onnx or "
            ".safetensors, or a folder or .tar.gz with one of these, got another kind of file"
        )
    return reader(path)


def _read_folder(folder: Path) -> Foreign:
    network = _network_in(folder)
    return _with_config(network.parent, _read(network), label_files=True)


def _network_in(folder: Path) -> Path:
    """Find the one network in a folder: a SavedModel or TF-Hub module, a checkpoint, or a file of another format.

    Where the same network is there in several formats, as in the model zoo's archives, the checkpoint is taken.
    """
    modules = sorted(folder.rglob("saved_model.pb"))
    own = {module.parent / "variables" / "variables.index" for module in modules}
    checkpoints = [path for path in sorted(folder.rglob("*.index")) if path not in own]
    if checkpoints:
        return _chosen(checkpoints, folder)
    if modules:
        return _only(modules, folder)
    files = sorted(path for suffix in _READERS for path in folder.rglob(f"*{suffix}"))
    if not files:
        raise WeightsError(f"{folder}: no checkpoint, SavedModel, .pb, .tflite, .onnx or .safetensors file in it")
    return _only(files, folder)


def _chosen(checkpoints: list[Path], folder: Path) -> Path:
    """Choose the checkpoint that the text file `checkpoint` names, if there are several."""
    if len(checkpoints) > 1:
        state = checkpoints[0].parent / "checkpoint"
        match = re.search(r'^model_checkpoint_path:\s*"([^"]+)"', _text(state), re.MULTILINE)
        named = [path for path in checkpoints if match and path.stem == Path(match[1]).name]
        checkpoints = named or checkpoints
    return _only(checkpoints, folder)


def _only(paths: list[Path], folder: Path) -> Path:
    if len(paths) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in paths[:5])
        raise WeightsError(f"{folder}: {len(paths)} networks in it ({names}); name the one to import")
    return paths[0]


def _checkpoint_prefix(path: Path) -> Path | None:
    """`model.ckpt` of any of: model.ckpt, model.ckpt.index, model.ckpt.meta, model.ckpt.data-00000-of-00001."""
    name = re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name)
    prefix = path.with_name(name)
    is_part = name != path.name
    return prefix if is_part or prefix.with_name(f"{name}.index").exists() else None


def _read_pb(path: Path) -> Foreign:
    if path.name == "saved_model.pb":
        return _read_saved_model(path)
    return _of_graph("frozen graph", read_frozen_graph(_bytes(path), str(path)))


def _read_saved_model(path: Path) -> Foreign:
    contents = read_saved_model(_bytes(path), str(path))
    prefix = path.parent / "variables" / "variables"
    if prefix.with_name("variables.index").exists():
        contents = replace(contents, weights=read_bundle(prefix))
    kind = "TF-Hub module" if (path.parent / "tfhub_module.pb").exists() else "SavedModel"
    return _of_graph(kind, contents)


def _of_graph(kind: str, contents: GraphContents) -> Foreign:
    return Foreign(kind, contents.weights, strings=contents.strings, score_threshold=contents.score_threshold)


def _read_tflite(path: Path) -> Foreign:
    return Foreign("TFLite file", read_tflite(_bytes(path), str(path)))


def _read_onnx(path: Path) -> Foreign:
    from boxable.weights.onnx_file import read_onnx  # imports onnx

    return _of_model("ONNX file", read_onnx(_bytes(path), str(path)))


def _read_safetensors(path: Path) -> Foreign:
    return _of_model("safetensors file", Model.from_bytes(_bytes(path), str(path)))


def _of_model(kind: str, model: Model) -> Foreign:
    return Foreign(kind, model.weights, model.classes, score_threshold=model.score_threshold)


_READERS: dict[str, Callable[[Path], Foreign]] = {
    ".pb": _read_pb,
    ".tflite": _read_tflite,
    ".onnx": _read_onnx,
    ".safetensors": _read_safetensors,
}


def _with_config(folder: Path, found: Foreign, *, label_files: bool) -> Foreign:
    """Add what the pipeline.config beside a network says: the label map that it names, and the score threshold.

    With `label_files` the label files in the folder and its assets count too; beside a single file anything may lie.
    """
    config = _text(folder / "pipeline.config")
    paths = [folder / Path(match).name for match in _LABEL_MAP.findall(config)]
    if label_files:
        paths += [path for pattern in _LABEL_FILES for path in sorted(folder.glob(pattern))]
    threshold = _THRESHOLD.search(config)
    if found.score_threshold is None and threshold is not None:
        found = replace(found, score_threshold=float(threshold[1]))
    return replace(found, label_texts=tuple((path.name, _text(path)) for path in dict.fromkeys(paths)))


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise WeightsError(f"{path}: more than 512 MiB; not the file of a detector")
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it ({error.strerror or error})") from None


def _text(path: Path) -> str:
    """Read a small text file; an empty text if there is none, or if it is not text."""
    try:
        return path.read_text("utf-8") if path.stat().st_size <= _MAX_TEXT_BYTES else ""
    except (OSError, ValueError):
        return ""
