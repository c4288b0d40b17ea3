"""The OpenAPI document of the service's own API: bodies, answers and examples."""

from typing import Any

_DETECTION = {
    "type": "object",
    "required": ["label_id", "mid", "name", "score", "box"],
    "properties": {
        "label_id": {"type": "integer", "description": "Open Images label id."},
        "mid": {"type": "string", "description": "Freebase MID."},
        "name": {"type": "string"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "box": {
            "type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4,
            "description": "ymin, xmin, ymax, xmax; 0 to 1 in the upright image.",
        },
        "ancestors": {"type": "array", "items": {"type": "string"}, "description": "With nms=hierarchy."},
    },
}  # fmt: skip
_RECORD = {
    "type": "object",
    "required": ["source", "image_id", "width", "height", "detections"],
    "properties": {
        "source": {"type": "string", "description": "The file name of a form, else `image`."},
        "image_id": {"type": "string"},
        "width": {"type": "integer"},
        "height": {"type": "integer"},
        "detections": {"type": "array", "items": _DETECTION},
        "error": {"type": "string", "description": "In a form: why this image could not be read."},
    },
}
_EXAMPLE = {
    "source": "image", "image_id": "image", "width": 451, "height": 300,
    "detections": [
        {"label_id": 160, "mid": "/m/01yrx", "name": "Cat", "score": 0.85, "box": [0.05, 0.21, 0.99, 0.81]},
    ],
}  # fmt: skip
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "reason": {"type": "string", "description": "A word for programs."},
    },
}
_ERRORS = {
    400: "The image, a parameter or the body cannot be used; in plain text, it is no valid HTTP.",
    401: "A key is needed, and there is none or another.",
    404: "No model of this name is served.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    503: "The queue is full or the deadline passed; try again after Retry-After seconds.",
}


def _example(title: str, status: int, detail: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/problem+json": {"schema": _PROBLEM, "example": _example("Error", status, text)}},
    }
    for status, text in _ERRORS.items()
}
# Of a request that the parser of HTTP refuses, as one with an address of more than 64 KiB.
PROBLEMS[400]["content"]["text/plain"] = {"schema": {"type": "string"}}

DETECT_BODY = {
    "required": True,
    "content": {
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"image": {"type": "array", "items": {"type": "string", "format": "binary"}}},
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "minProperties": 1,
                "properties": {
                    "image": {"type": "string", "format": "byte", "description": "base64"},
                    "url": {"type": "string", "description": "An address; with --allow-urls alone."},
                },
            },
            "example": {"image": "iVBORw0KGgoAAAANSUhEUg..."},
        },
    },
}
DETECT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What was detected; of a form a list, with an `error` in place of an image that cannot be read.",
        "content": {
            "application/json": {
                "schema": {"oneOf": [_RECORD, {"type": "array", "items": _RECORD}]}, "example": _EXAMPLE,
            },
            "application/jsonl": {"schema": {"type": "string"}},
            "image/jpeg": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}  # fmt: skip
MODELS_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The models.",
        "content": {
            "application/json": {
                "example": {
                    "models": [
                        {
                            "name": "ssd23", "handle": "mediapipe/ssd_mobilenet_v2_oidv4_23", "classes": 23,
                            "runtime": "onnxruntime", "precision": "fp32", "fingerprint": "sha256:dbcbadb2b2ce5226",
                        }
                    ]
                }
            }
        },
    }
}  # fmt: skip
CLASSES_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The classes; `color` is the one in which their boxes are drawn.",
        "content": {
            "application/json": {
                "example": {
                    "classes": [
                        {
                            "label_id": 122, "mid": "/m/01yrx", "name": "Cat", "ancestors": ["Carnivore", "Mammal"],
                            "color": "#ffb000", "text_color": "#000000",
                        }
                    ]
                }
            }
        },
    }
}  # fmt: skip
