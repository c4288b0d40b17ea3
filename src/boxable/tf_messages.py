"""Protobuf classes for the TensorFlow messages that contain weights.

Only needed fields are declared; the parser skips the others. Field numbers are those of TensorFlow's public
.proto files (SEMANTICS §12).
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from boxable.errors import WeightsError

_PACKAGE = "boxable.tensorflow"
_MAX_AXES, _MAX_SIDE = 8, 2**40

# Message -> field -> (number, type). A type is a scalar or the name of a message; "*" means repeated.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Dim": {"size": (1, "int64")},
    "Shape": {"dim": (2, "*Dim"), "unknown_rank": (3, "bool")},
    "Tensor": {
        "dtype": (1, "int32"),
        "shape": (2, "Shape"),
        "content": (4, "bytes"),
        "float_val": (5, "*float"),
        "string_val": (8, "*bytes"),
        "half_val": (13, "*int32"),
    },
    "Attribute": {"tensor": (8, "Tensor")},
    "NamedAttribute": {"key": (1, "string"), "value": (2, "Attribute")},
    "Node": {"name": (1, "string"), "op": (2, "string"), "attr": (5, "*NamedAttribute")},
    "Graph": {"node": (1, "*Node")},
    "MetaGraph": {"graph_def": (2, "Graph")},
    "SavedModel": {"meta_graphs": (2, "*MetaGraph")},
    "BundleHeader": {"num_shards": (1, "int32"), "endianness": (2, "int32")},
    "BundleEntry": {
        "dtype": (1, "int32"),
        "shape": (2, "Shape"),
        "shard_id": (3, "int32"),
        "offset": (4, "int64"),
        "size": (5, "int64"),
        "crc32c": (6, "fixed32"),
        "slices": (7, "*bytes"),
    },
}


def parse(kind: str, data: bytes, name: str) -> Any:
    """Parse a message of this kind. Raises WeightsError, prefixed with `name`, for invalid data."""
    message = _classes()[f"{_PACKAGE}.{kind}"]()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise WeightsError(f"{name}: damaged, or not a TensorFlow file of this kind") from None
    return message


def sizes(shape: Any, name: str) -> list[int]:
    """Return the shape of a TensorShapeProto. Raises WeightsError, prefixed with `name`, for an impossible one."""
    if len(shape.dim) > _MAX_AXES:
        raise WeightsError(f"{name}: expected at most {_MAX_AXES} axes, got {len(shape.dim)}")
    found = [dim.size for dim in shape.dim]
    if not all(0 <= size <= _MAX_SIDE for size in found):
        raise WeightsError(f"{name}: {found} is not a valid shape of a tensor")
    return found


@cache
def _classes() -> dict[str, Any]:
    return message_classes(_PACKAGE, _MESSAGES)


def message_classes(
    package: str,
    messages: Mapping[str, Mapping[str, tuple[int, str]]],
    syntax: Literal["proto2", "proto3"] = "proto3",
) -> dict[str, Any]:
    """Create protobuf classes from a declaration like `_MESSAGES`; returns full message name -> class.

    Fields of proto2 tell whether they are set (`HasField`).
    """
    file = descriptor_pb2.FileDescriptorProto(name=f"{package.replace('.', '/')}.proto", package=package, syntax=syntax)
    for message, fields in messages.items():
        declared = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            _declare(declared.field.add(name=field, number=number), kind, package, messages)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return dict(message_factory.GetMessageClassesForFiles([file.name], pool))


def _declare(field: Any, kind: str, package: str, messages: Mapping[str, object]) -> None:
    field.label = field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
    kind = kind.removeprefix("*")
    if kind in messages:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{package}.{kind}"
    else:
        field.type = getattr(field, f"TYPE_{kind.upper()}")
