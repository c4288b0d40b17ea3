"""A Model: a network, its weights and its classes; and the .safetensors file that holds one."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxable.errors import WeightsError
from boxable.files import atomic_path
from boxable.findings import counted
from boxable.networks.architectures import ARCHITECTURES
from boxable.networks.heads.rules import SCORE_THRESHOLD
from boxable.networks.network import Network
from boxable.vocabulary import ClassList, ObjectClass

METADATA_KEY = "boxable"


@dataclass(frozen=True, slots=True)
class Description:
    """What a compiled or stored model is: the metadata of every model file that Boxable writes.

    Scores at or below `score_threshold` are never detections (SEMANTICS §6.7); `origin` is the file it was made from.
    """

    handle: str
    network: Network
    classes: ClassList
    score_threshold: float = SCORE_THRESHOLD
    origin: str = ""

    def to_metadata(self) -> dict[str, str]:
        """Return the string table that ONNX and safetensors files carry."""
        rows = [[item.label_id, item.mid, item.name] for item in self.classes]
        content = {
            "handle": self.handle,
            "network": self.network.name,
            "classes": rows,
            "score_threshold": self.score_threshold,
            "origin": self.origin,
        }
        return {METADATA_KEY: json.dumps(content, ensure_ascii=False)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> "Description":
        """Read `to_metadata`'s table. Raises WeightsError, naming the file, where it is not one of ours."""
        try:
            content = json.loads(metadata[METADATA_KEY])
            classes = ClassList(ObjectClass(int(row[0]), str(row[1]), str(row[2])) for row in content["classes"])
            return cls(
                str(content["handle"]),
                ARCHITECTURES[content["network"]](len(classes)),
                classes,
                float(content.get("score_threshold", SCORE_THRESHOLD)),
                str(content.get("origin", "")),
            )
        except (KeyError, ValueError, TypeError, IndexError):
            raise WeightsError(f"{name}: no list of classes inside; expected a file that Boxable wrote") from None


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its weights (TF variable name -> float32 array) and its classes (column order).

    Raises WeightsError if a variable is missing, surplus or has another shape, or if the number of classes
    is not the network's.
    """

    network: Network
    weights: Mapping[str, NDArray[np.float32]]
    classes: ClassList
    handle: str
    score_threshold: float = SCORE_THRESHOLD
    origin: str = ""

    def __post_init__(self) -> None:
        if len(self.classes) != self.network.num_classes:
            raise WeightsError(
                f"{self.handle}: {counted(len(self.classes), 'class name|s')} for a network of "
                f"{counted(self.network.num_classes, 'class|es')}"
            )
        problems = list(_mismatches(self.network.variables, self.weights))
        if problems:
            more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
            raise WeightsError(
                f"{self.handle}: weights do not fit {self.network.name}: {'; '.join(problems[:5])}{more}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return Model.from_bytes, (self.to_bytes(), self.handle)

    @property
    def description(self) -> Description:
        """The metadata of its files."""
        return Description(self.handle, self.network, self.classes, self.score_threshold, self.origin)

    def save(self, path: Path | str) -> None:
        """Write a .safetensors file: the variables as they are, the classes as metadata."""
        from safetensors.numpy import save_file

        with atomic_path(Path(path)) as temporary:
            temporary.touch()
            mode = temporary.stat().st_mode
            with disk_errors():
                save_file(self._tensors(), temporary, metadata=self.description.to_metadata())
            temporary.chmod(mode)  # only its owner can read what safetensors writes

    def to_bytes(self) -> bytes:
        """Return the content of the .safetensors file."""
        from safetensors.numpy import save

        return save(self._tensors(), metadata=self.description.to_metadata())

    def _tensors(self) -> dict[str, NDArray[np.float32]]:
        return {name: np.ascontiguousarray(values) for name, values in self.weights.items()}

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> "Model":
        """Read what `to_bytes` made. Raises WeightsError, which begins with `name`."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            weights = load(data)
        except (SafetensorError, ValueError, KeyError) as error:  # KeyError: a type that NumPy lacks
            raise WeightsError(f"{name}: not a readable .safetensors file ({error})") from None
        description = read_description(data, name)
        return cls(
            description.network,
            weights,
            description.classes,
            description.handle,
            description.score_threshold,
            description.origin,
        )


def read_description(data: bytes, name: str) -> Description:
    """Read the metadata of a .safetensors file, or of its first bytes. Raises WeightsError."""
    end = 8 + int.from_bytes(data[:8], "little")
    try:
        if len(data) < end:
            raise ValueError("its header is cut short")
        metadata = json.loads(data[8:end]).get("__metadata__", {})
    except (ValueError, AttributeError) as error:
        raise WeightsError(f"{name}: not a readable .safetensors file ({error})") from None
    return Description.from_metadata(metadata, name)


def _mismatches(expected: Mapping[str, tuple[int, ...]], weights: Mapping[str, NDArray[np.float32]]) -> list[str]:
    missing = [f"missing {name}" for name in expected if name not in weights]
    surplus = [f"unknown {name}" for name in weights if name not in expected]
    wrong = [
        f"{name} is {weights[name].dtype} {list(weights[name].shape)}, expected float32 {list(shape)}"
        for name, shape in expected.items()
        if name in weights and (weights[name].shape != shape or weights[name].dtype != np.float32)
    ]
    return missing + surplus + wrong


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise OSError for what safetensors calls an error of its own: a full disk."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise OSError(str(error)) from error
