"""TensorFlow Serving's REST API, as clients of the original module call it.

    POST /v1/models/NAME[/versions/N]:predict    GET /v1/models/NAME[/versions/N]    GET .../metadata

The signature `default` takes the module's input `images`, float32 `[1, H, W, 3]` in 0..1. `image_bytes` takes an
encoded image, `{"b64": ...}`. `inputs` gives the column format; `instances` the row format, in which every output is
split on its first dimension, so that the answer has one object for each detection. Errors are `{"error": text}`.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from boxable.images.sources import Source
from boxable.serving.bodies import decode_base64, read_json
from boxable.serving.module_tensors import OUTPUTS, VERSION, float_image, most_json, numbers, plain
from boxable.serving.problems import RequestError
from boxable.serving.service import Service

SIGNATURES = {"default": "images", "serving_default": "images", "image_bytes": "image_bytes"}
_TYPES = {"FP32": "DT_FLOAT", "BYTES": "DT_STRING", "INT64": "DT_INT64"}


async def predict(request: Request) -> Response:
    """Detect in an image, and answer in the column or the row format."""
    service: Service = request.app.state.service
    model = service.models.get(request.path_params["model"])
    _check_version(request)
    content = await read_json(request, most_json(service))
    tensor, is_row = _tensor(content)
    signature = content.get("signature_name") or "default"
    if not isinstance(signature, str) or signature not in SIGNATURES:
        raise RequestError(
            400, f'Serving signature name: "{str(signature)[:60]}" not found in signature def', reason="bad_input"
        )
    given = _only_input(tensor, SIGNATURES[signature])
    make = _encoded_image if signature == "image_bytes" else _float_image
    source = await asyncio.to_thread(make, given, is_row, service)
    columns = {name: plain(values) for name, values in (await service.contract(request, model, source)).items()}
    if not is_row:
        return JSONResponse({"outputs": columns})
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return JSONResponse({"predictions": rows})


def _tensor(content: Any) -> tuple[Any, bool]:
    """Find the tensor of a request, and tell whether it is in the row format. Raises RequestError."""
    if not isinstance(content, dict):
        raise RequestError(400, "expected a JSON object", reason="bad_input")
    if ("inputs" in content) == ("instances" in content):
        raise RequestError(400, "expected one of 'inputs' and 'instances'", reason="bad_input")
    if "inputs" in content:
        return content["inputs"], False
    rows = content["instances"]
    if not isinstance(rows, list) or len(rows) != 1:
        got = f"{len(rows)}" if isinstance(rows, list) else type(rows).__name__
        text = f"instances: expected a list of one image, since the module takes one at a time, got {got}"
        raise RequestError(400, text, reason="bad_input")
    return rows[0], True


def _only_input(tensor: Any, name: str) -> Any:
    """Return the tensor of the only input, which may be named; `{"b64": ...}` is a value and no name."""
    if not isinstance(tensor, dict) or set(tensor) == {"b64"}:
        return tensor
    if set(tensor) != {name}:
        raise RequestError(400, f"expected the input {name!r}, got {sorted(map(str, tensor))[:5]}", reason="bad_input")
    return tensor[name]


def _float_image(given: Any, is_row: bool, service: Service) -> Source:
    """Make the image of a tensor. Raises RequestError."""
    try:
        image = numbers(given)
    except ValueError:
        text = "images: expected numbers as [1, height, width, 3], all rows of one length"
        raise RequestError(400, text, reason="bad_input") from None
    return float_image(image[None] if is_row else image, service)


def _encoded_image(given: Any, is_row: bool, service: Service) -> Source:
    """Make the image of `{"b64": ...}`, in a list of one in the column format. Raises RequestError."""
    if not is_row and isinstance(given, list) and len(given) == 1:
        (given,) = given
    if not isinstance(given, dict) or set(given) != {"b64"} or not isinstance(given["b64"], str):
        raise RequestError(400, 'image_bytes: expected {"b64": "<base64>"}', reason="bad_input")
    return service.source(decode_base64(given["b64"], "image_bytes"))


async def status(request: Request) -> Response:
    """Tell the state of a model."""
    request.app.state.service.models.get(request.path_params["model"])
    _check_version(request)
    state = {"version": VERSION, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    return JSONResponse({"model_version_status": [state]})


async def metadata(request: Request) -> Response:
    """Describe the signatures of a model."""
    name = request.path_params["model"]
    request.app.state.service.models.get(name)
    _check_version(request)
    inputs = {
        "images": {"images": _info("image_tensor:0", "DT_FLOAT", [1, -1, -1, 3])},
        "image_bytes": {"image_bytes": _info("image_bytes:0", "DT_STRING", [])},
    }
    outputs = {key: _info(f"{key}:0", _TYPES[datatype], shape) for key, (datatype, shape) in OUTPUTS.items()}
    signatures = {
        signature: {"inputs": inputs[key], "outputs": outputs, "method_name": "tensorflow/serving/predict"}
        for signature, key in SIGNATURES.items()
    }
    return JSONResponse(
        {
            "model_spec": {"name": name, "signature_name": "", "version": VERSION},
            "metadata": {"signature_def": {"signature_def": signatures}},
        }
    )


def _info(name: str, dtype: str, shape: list[int]) -> dict[str, Any]:
    sizes = [{"size": str(size), "name": ""} for size in shape]
    return {"dtype": dtype, "tensor_shape": {"dim": sizes, "unknown_rank": False}, "name": name}


def _check_version(request: Request) -> None:
    version = request.path_params.get("version", VERSION)
    if version != VERSION:
        name = request.path_params["model"]
        raise RequestError(404, f"Could not find version {version[:40]} of model {name}", reason="unknown_model")


routes = [
    Route("/v1/models/{model:path}/versions/{version}:predict", predict, methods=["POST"]),
    Route("/v1/models/{model:path}:predict", predict, methods=["POST"]),
    Route("/v1/models/{model:path}/versions/{version}/metadata", metadata),
    Route("/v1/models/{model:path}/metadata", metadata),
    Route("/v1/models/{model:path}/versions/{version}", status),
    Route("/v1/models/{model:path}", status),
]
