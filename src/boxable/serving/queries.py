"""The queries of the service's own API: what stands behind the `?` of an address."""

from collections import Counter
from functools import lru_cache
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from boxable.detection import DEFAULT_MIN_SCORE
from boxable.serving.problems import RequestError

# Queries whose values are kept: clients send the same ones again and again.
_KNOWN = 256
# What an error quotes of a value.
_QUOTED = 40

AnyQuery = TypeVar("AnyQuery", bound="ClassesQuery")


class ClassesQuery(BaseModel):
    """The query of `/v1/classes`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = Field(None, description="A name of `/v1/models`; the first of them by default.")
    classes: str | None = Field(
        None,
        description="These classes alone, in the selection grammar.",
        examples=["Animal,-Cat"],
        max_length=10_000,
    )


class DetectQuery(ClassesQuery):
    """The query of `/v1/detect`."""

    min_score: float = Field(DEFAULT_MIN_SCORE, ge=0, le=1, description="Drop lower scores.")
    max_detections: int = Field(100, ge=1, le=1000, description="At most so many an image.")
    nms: Literal["per-class", "class-agnostic", "hierarchy"] = "per-class"
    format: Literal["json", "jsonl", "image"] = Field(
        "json", description="A record (a list of them for a form), a record a line, or the annotated image as JPEG."
    )


def query_of(request: Request, kind: type[AnyQuery]) -> AnyQuery:
    """Return the query of a request. Raises RequestError."""
    found: AnyQuery = _parse(kind, request.scope["query_string"])
    return found


def parameters(kind: type[ClassesQuery]) -> list[dict[str, Any]]:
    """Describe a query for the OpenAPI document."""
    described = []
    for name, schema in kind.model_json_schema()["properties"].items():
        text = {"description": schema.pop("description")} if "description" in schema else {}
        described.append({"name": name, "in": "query", "required": False, "schema": schema, **text})
    return described


@lru_cache(_KNOWN)
def _parse(kind: type[AnyQuery], query: bytes) -> AnyQuery:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if len(given) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise RequestError(400, f"{twice[:_QUOTED]}: expected once, got it again", reason="bad_input")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        text = f"no parameter {name[:_QUOTED]!r}; expected some of {', '.join(kind.model_fields)}"
    else:
        text = f"{name}: {first['msg']}, got {given[name][:_QUOTED]!r}"
    raise RequestError(400, text, reason="bad_input")
