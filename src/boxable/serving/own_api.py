"""The service's own API: `/v1/detect`, `/v1/models`, `/v1/classes`; answers are the records of `--format jsonl`."""

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from boxable.images.draw import Color, color_of, text_color_on
from boxable.images.save import QUALITY
from boxable.images.sources import Source
from boxable.serving.bodies import decode_base64, read_body, read_form, read_json
from boxable.serving.own_schema import CLASSES_ANSWER, DETECT_ANSWERS, DETECT_BODY, MODELS_ANSWER, PROBLEMS
from boxable.serving.problems import RequestError
from boxable.serving.queries import ClassesQuery, DetectQuery, parameters, query_of
from boxable.serving.service import Found, Service
from boxable.serving.urls import fetch
from boxable.vocabulary import ObjectClass, open_images, open_images_hierarchy, select

router = APIRouter()

_MOST_FILES = 64
DETECT = "/v1/detect"


@router.post(
    DETECT,
    responses=DETECT_ANSWERS | PROBLEMS,
    openapi_extra={"requestBody": DETECT_BODY, "parameters": parameters(DetectQuery)},
)
async def detect(request: Request) -> Response:
    """Detect objects in the image of the body, or in the files of a form."""
    service: Service = request.app.state.service
    query = query_of(request, DetectQuery)
    served = service.models.get(query.model)
    rules = served.rules(query.classes, query.min_score, query.max_detections, query.nms)
    sources, is_list = await _sources(request, service)
    if query.format == "image" and len(sources) != 1:
        raise RequestError(400, f"format=image: expected one image, got {len(sources)}", reason="bad_input")
    found = await service.detect(request, served, sources, rules)
    if not is_list and found[0].detections.error is not None:
        raise RequestError(400, found[0].detections.error, reason="bad_image")
    if query.format == "image":
        return await service.in_time(request, _drawn, found[0])
    return _records(found, query.format, is_list)


@router.get("/v1/models", responses=MODELS_ANSWER)
async def list_models(request: Request) -> Response:
    """List the models that are served, the default first."""
    models = request.app.state.service.models
    return JSONResponse({"models": [models.get(name).about for name in models.names()]})


@router.get("/v1/classes", responses=CLASSES_ANSWER | PROBLEMS, openapi_extra={"parameters": parameters(ClassesQuery)})
async def list_classes(request: Request) -> Response:
    """List the classes that a model detects, or those of a selection, with their ancestors in the hierarchy."""
    query = query_of(request, ClassesQuery)
    known = request.app.state.service.models.get(query.model).detector.classes
    chosen = known if query.classes is None else select(query.classes, known)
    return JSONResponse({"classes": [_class_record(item) for item in chosen]})


def _class_record(item: ObjectClass) -> dict[str, Any]:
    """Describe a class, with the color in which `draw` draws it."""
    known, color = open_images(), color_of(item.label_id)
    ancestors = [known.find(mid).name for mid in open_images_hierarchy().ancestors(item.mid)]
    return {
        "label_id": item.label_id, "mid": item.mid, "name": item.name, "ancestors": ancestors,
        "color": _hexadecimal(color), "text_color": _hexadecimal(text_color_on(color)),
    }  # fmt: skip


def _hexadecimal(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


async def _sources(request: Request, service: Service) -> tuple[list[Source], bool]:
    """Read the images of a request, and tell whether it is a form, which may have several."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _form_sources(request, service), True
    if kind == "application/json":
        return [service.source(await _json_image(request, service))], False
    body = await read_body(request, service.limits.max_bytes)
    if body[:1] == b"{":
        text = "expected an image, got JSON; send it with Content-Type: application/json"
        raise RequestError(400, text, reason="bad_input")
    return [service.source(body)], False


async def _form_sources(request: Request, service: Service) -> list[Source]:
    """Return the files of a form. Raises RequestError."""
    items = (await read_form(request, service.limits.max_bytes, _MOST_FILES)).multi_items()
    files = [item for _, item in items if isinstance(item, UploadFile)]
    if not files:
        raise RequestError(400, "expected a form with one file or more, got none", reason="bad_input")
    _refuse("form", [name for name, item in items if not isinstance(item, UploadFile)])
    return [service.source(await file.read(), file.filename or "image") for file in files]


async def _json_image(request: Request, service: Service) -> bytes:
    """Return the image of `{"image": base64}` or `{"url": address}`. Raises RequestError."""
    content = await read_json(request, service.limits.max_bytes * 4 // 3 + 1024)
    if not isinstance(content, dict):
        raise RequestError(400, 'expected {"image": "<base64>"}', reason="bad_input")
    _refuse("JSON", [name for name in content if name not in ("image", "url")])
    return _decoded(content) if content.get("url") is None else await _fetched(request, service, content["url"])


def _refuse(kind: str, others: Sequence[str]) -> None:
    """Raise RequestError where a body has fields that are no images."""
    if others:
        text = f"{kind}: unknown field {others[0][:40]!r}; parameters belong into the address, as in ?min_score=0.5"
        raise RequestError(400, text, reason="bad_input")


def _records(found: Sequence[Found], format_: str, is_list: bool) -> Response:
    if format_ == "jsonl":
        return Response("".join(f"{item.detections.to_json()}\n" for item in found), media_type="application/jsonl")
    records = [item.detections.to_dict() for item in found]
    return JSONResponse(records if is_list else records[0])


def _drawn(found: Found) -> Response:
    file = io.BytesIO()
    found.detections.draw().save(file, "JPEG", quality=QUALITY)
    return Response(file.getvalue(), media_type="image/jpeg")


async def _fetched(request: Request, service: Service, url: Any) -> bytes:
    """Fetch the image of `{"url": address}`. Raises RequestError."""
    if not service.options.allow_urls:
        raise RequestError(400, "url: this server fetches nothing (--allow-urls)", reason="bad_url")
    if not isinstance(url, str):
        raise RequestError(400, "url: expected a text", reason="bad_url")
    reserve = partial(service.budget.reserve, request)
    return await fetch(url, service.limits.max_bytes, service.left(request), reserve)


def _decoded(content: dict[str, Any]) -> bytes:
    """Decode `{"image": base64}`. Raises RequestError."""
    image = content.get("image")
    if not isinstance(image, str):
        raise RequestError(400, 'expected {"image": "<base64>"}', reason="bad_input")
    return decode_base64(image.partition("base64,")[2] if image.startswith("data:") else image, "image")
