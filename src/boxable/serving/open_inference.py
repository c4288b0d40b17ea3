"""The Open Inference Protocol v2, as clients of KServe and Triton speak it, with Triton's binary tensor extension.

The inputs are `images`, FP32 `[1, H, W, 3]` in 0..1, or `image`, BYTES `[1]`, an encoded image (base64 in JSON). The
outputs are those of the module. Errors are `{"error": text}`.
"""

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boxable import __version__
from boxable.images.sources import Source
from boxable.serving.bodies import compress, decode_base64, parse_json, read_decoded
from boxable.serving.module_tensors import OUTPUTS, VERSION, check_size, float_image, most_json, numbers, plain
from boxable.serving.problems import RequestError
from boxable.serving.service import Service
from boxable.serving.tensors import bytes_tensor, read_bytes_tensor

INPUTS = {"images": ("FP32", [1, -1, -1, 3]), "image": ("BYTES", [1])}
_LENGTH = "inference-header-content-length"


async def infer(request: Request) -> Response:
    """Detect in an image."""
    service: Service = request.app.state.service
    model = service.models.get(request.path_params["model"])
    _check_version(request)
    body = await read_decoded(request, most_json(service))
    head, rest = _split(body, request.headers.get(_LENGTH))
    content = await parse_json(request, head)
    source = await asyncio.to_thread(_source, content, rest, service)
    asked = _asked(content)
    values = await service.contract(request, model, source)
    accepted = request.headers.get("accept-encoding", "")
    return await asyncio.to_thread(_answer, content, asked, values, model.name, accepted)


def _split(body: bytes, length: str | None) -> tuple[bytes, bytes]:
    """Divide a body into its JSON and the binary tensors behind it. Raises RequestError."""
    if length is None:
        return body, b""
    if not (length.isascii() and length.isdecimal() and len(length) < 12) or int(length) > len(body):
        text = f"Inference-Header-Content-Length: expected 0 to {len(body)}, got {length[:40]!r}"
        raise RequestError(400, text, reason="bad_input")
    return body[: int(length)], body[int(length) :]


def _source(content: Any, rest: bytes, service: Service) -> Source:
    """Make the image of a request. Raises RequestError."""
    inputs = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise RequestError(400, "inputs: expected a list of one tensor, 'images' or 'image'", reason="bad_input")
    (tensor,) = inputs
    name = tensor.get("name")
    if not isinstance(name, str) or name not in INPUTS:
        raise RequestError(400, f"inputs: expected 'images' or 'image', got {str(name)[:40]!r}", reason="bad_input")
    datatype, _ = INPUTS[name]
    if tensor.get("datatype") != datatype:
        got = str(tensor.get("datatype"))[:20]
        raise RequestError(400, f"{name}: expected datatype {datatype}, got {got}", reason="bad_input")
    size = _parameter(tensor, "binary_data_size")
    if size is not None and size != len(rest):
        raise RequestError(400, f"{name}: expected {size} bytes of data, got {len(rest)}", reason="bad_input")
    if size is None and rest:
        raise RequestError(400, f"{name}: got {len(rest)} bytes of data without binary_data_size", reason="bad_input")
    binary = None if size is None else rest
    if name == "image":
        return service.source(_encoded(tensor, binary))
    return _float_image(tensor, binary, service)


def _encoded(tensor: dict[str, Any], binary: bytes | None) -> bytes:
    """Return the encoded image of a BYTES tensor. Raises RequestError."""
    if tensor.get("shape") != [1]:
        raise RequestError(400, "image: expected shape [1]", reason="bad_input")
    if binary is not None:
        values = read_bytes_tensor(binary)
        if len(values) != 1:
            raise RequestError(400, f"image: expected one value, got {len(values)}", reason="bad_input")
        return values[0]
    data = tensor.get("data")
    if not isinstance(data, list) or len(data) != 1 or not isinstance(data[0], str):
        raise RequestError(400, "image: expected a list of one text, base64", reason="bad_input")
    return decode_base64(data[0], "image")


def _float_image(tensor: dict[str, Any], binary: bytes | None, service: Service) -> Source:
    """Return the image of an FP32 tensor. Raises RequestError."""
    shape = tensor.get("shape")
    if not isinstance(shape, list) or len(shape) != 4 or not all(type(side) is int and side > 0 for side in shape):
        raise RequestError(400, "images: expected shape [1, height, width, 3]", reason="bad_input")
    count = math.prod(shape)
    check_size(count, service)
    try:
        flat = np.frombuffer(binary, "<f4") if binary is not None else numbers(tensor.get("data"))
        values = flat.astype(np.float32).reshape(shape)
    except ValueError:
        text = f"images: expected {count} numbers, for shape {shape}"
        raise RequestError(400, text, reason="bad_input") from None
    return float_image(values, service)


def _parameter(holder: dict[str, Any], name: str) -> Any:
    parameters = holder.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None


def _asked(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outputs that are asked for, all by default. Raises RequestError."""
    asked = content.get("outputs")
    if not asked:
        return [{"name": name} for name in OUTPUTS]
    names = [item.get("name") if isinstance(item, dict) else None for item in asked] if isinstance(asked, list) else []
    if (
        not names
        or not all(isinstance(name, str) and name in OUTPUTS for name in names)
        or len(set(names)) < len(names)
    ):
        raise RequestError(400, f"outputs: expected some of {', '.join(OUTPUTS)}, each once", reason="bad_input")
    return list(asked)


def _answer(
    content: dict[str, Any], asked: list[dict[str, Any]], values: dict[str, np.ndarray], model: str, accepted: str
) -> Response:
    """Answer with the outputs that were asked for, each in JSON or behind it in binary."""
    every = bool(_parameter(content, "binary_data_output"))
    outputs, parts = [], []
    for item in asked:
        name = item["name"]
        array, (datatype, _) = values[name], OUTPUTS[name]
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(array.shape)}
        wanted = _parameter(item, "binary_data")
        if every if wanted is None else wanted:
            data = bytes_tensor(array) if datatype == "BYTES" else np.ascontiguousarray(array).tobytes()
            output["parameters"] = {"binary_data_size": len(data)}
            parts.append(data)
        else:
            output["data"] = plain(array.reshape(-1))
        outputs.append(output)
    answer = {"model_name": model, "model_version": VERSION, "outputs": outputs}
    if isinstance(content.get("id"), str):
        answer["id"] = content["id"]
    head = json.dumps(answer, ensure_ascii=False).encode()
    headers = {_LENGTH: str(len(head))} if parts else {}
    body, encoding = compress(b"".join([head, *parts]), accepted)
    if encoding is not None:
        headers["content-encoding"] = encoding
    return Response(body, headers=headers, media_type="application/octet-stream" if parts else "application/json")


async def server_metadata(request: Request) -> Response:
    """Describe the server."""
    return JSONResponse({"name": "boxable", "version": __version__, "extensions": ["binary_tensor_data", "statistics"]})


async def live(request: Request) -> Response:
    """Tell that the server answers."""
    return JSONResponse({"live": True})


async def ready(request: Request) -> Response:
    """Tell that models are loaded."""
    return JSONResponse({"ready": True})


def _of_model(describe: Callable[[Service, str], dict[str, Any]]) -> Any:
    """Make an endpoint of a function that describes a model."""

    async def endpoint(request: Request) -> Response:
        service: Service = request.app.state.service
        model = service.models.get(request.path_params["model"])
        _check_version(request)
        return JSONResponse(describe(service, model.name))

    return endpoint


def _metadata(service: Service, name: str) -> dict[str, Any]:
    def tensors(of: dict[str, tuple[str, list[int]]]) -> list[dict[str, Any]]:
        return [{"name": key, "datatype": datatype, "shape": shape} for key, (datatype, shape) in of.items()]

    return {
        "name": name, "versions": [VERSION], "platform": "boxable", "inputs": tensors(INPUTS),
        "outputs": tensors(OUTPUTS),
    }  # fmt: skip


def _config(service: Service, name: str) -> dict[str, Any]:
    def tensors(of: dict[str, tuple[str, list[int]]]) -> list[dict[str, Any]]:
        types = {"FP32": "TYPE_FP32", "BYTES": "TYPE_STRING", "INT64": "TYPE_INT64"}
        return [{"name": key, "data_type": types[datatype], "dims": shape} for key, (datatype, shape) in of.items()]

    inputs = [tensor | {"optional": True} for tensor in tensors(INPUTS)]  # one of them is sent
    return {
        "name": name, "platform": "boxable", "backend": "boxable", "max_batch_size": 0, "input": inputs,
        "output": tensors(OUTPUTS),
    }  # fmt: skip


def _statistics(service: Service, *names: str) -> dict[str, Any]:
    stats = []
    for name in names:
        images, batches = service.figures.counts(name)
        counts = {"inference_count": images, "execution_count": batches}
        stats.append({"name": name, "version": VERSION, **counts})
    return {"model_stats": stats}


async def all_statistics(request: Request) -> Response:
    """Count images and batches of all models."""
    service: Service = request.app.state.service
    return JSONResponse(_statistics(service, *service.models.names()))


async def index(request: Request) -> Response:
    """List the models."""
    names = request.app.state.service.models.names()
    return JSONResponse([{"name": name, "version": VERSION, "state": "READY", "reason": ""} for name in names])


def _check_version(request: Request) -> None:
    version = request.path_params.get("version", VERSION)
    if version != VERSION:
        raise RequestError(404, f"no version {version[:40]}; expected {VERSION}", reason="unknown_model")


_MODEL = {
    "/infer": (infer, "POST"),
    "/ready": (_of_model(lambda service, name: {"name": name, "ready": True}), "GET"),
    "/config": (_of_model(_config), "GET"),
    "/stats": (_of_model(_statistics), "GET"),
    "": (_of_model(_metadata), "GET"),
}
routes = [
    Route("/v2", server_metadata),
    Route("/v2/health/live", live),
    Route("/v2/health/ready", ready),
    Route("/v2/repository/index", index, methods=["POST"]),
    Route("/v2/models/stats", all_statistics),
    *(
        Route(f"/v2/models/{{model:path}}{version}{suffix}", endpoint, methods=[method])
        for version in ("/versions/{version}", "")
        for suffix, (endpoint, method) in _MODEL.items()
    ),
]
