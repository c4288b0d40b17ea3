"""A client of TensorFlow Serving gets what the original module returned."""

import base64
import gzip
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

import boxable
from tests.serving.conftest import CHELSEA, Server

pytestmark = pytest.mark.serving
PREDICT = "/v1/models/ssd23:predict"


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    with Image.open(CHELSEA) as original:
        small = original.convert("RGB").resize((90, 60))
    return (np.asarray(small, np.float32) / 255)[None]


@pytest.fixture(scope="module")
def contract(image: np.ndarray, detector: boxable.Detector) -> dict[str, list[Any]]:
    served = detector(image, as_dict=True, class_fields="served")
    return {
        name: [item.decode() if isinstance(item, bytes) else item for item in values.tolist()]
        for name, values in served.items()
    }


def test_the_column_format_has_the_outputs_of_the_module(
    server: Server, image: np.ndarray, contract: dict[str, list[Any]]
) -> None:
    for path in (PREDICT, "/v1/models/ssd23/versions/1:predict"):
        for inputs in (image.tolist(), {"images": image.tolist()}):
            assert server.client.post(path, json={"inputs": inputs}).json() == {"outputs": contract}


def test_the_row_format_has_an_object_for_each_detection(
    server: Server, image: np.ndarray, contract: dict[str, list[Any]]
) -> None:
    answer = server.client.post(PREDICT, json={"instances": image.tolist()}).json()
    assert answer == {
        "predictions": [dict(zip(contract, row, strict=True)) for row in zip(*contract.values(), strict=True)]
    }
    assert len(answer["predictions"]) == 100


def test_an_encoded_image_has_a_signature_of_its_own(server: Server, detector: boxable.Detector) -> None:
    b64 = {"b64": base64.b64encode(CHELSEA.read_bytes()).decode()}
    expected = detector(CHELSEA, min_score=0.0)
    for content in ({"inputs": b64}, {"inputs": [b64]}, {"inputs": {"image_bytes": b64}}, {"instances": [b64]}):
        answer = server.client.post(PREDICT, json={"signature_name": "image_bytes", **content}).json()
        scores = answer["outputs"]["detection_scores"] if "outputs" in answer else [
            row["detection_scores"] for row in answer["predictions"]
        ]  # fmt: skip
        assert scores == expected.scores.tolist()


def test_the_state_and_the_signatures_of_a_model(server: Server) -> None:
    for path in ("/v1/models/ssd23", "/v1/models/ssd23/versions/1"):
        (state,) = server.client.get(path).json()["model_version_status"]
        assert (state["version"], state["state"]) == ("1", "AVAILABLE")
    described = server.client.get("/v1/models/ssd23/metadata").json()["metadata"]["signature_def"]["signature_def"]
    assert set(described) == {"default", "serving_default", "image_bytes"}
    assert set(described["default"]["outputs"]) == {
        "detection_boxes", "detection_class_entities", "detection_class_names", "detection_class_labels",
        "detection_scores",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "status", "text"),
    [
        ({}, 400, "one of 'inputs' and 'instances'"),
        ({"inputs": [], "instances": []}, 400, "one of 'inputs' and 'instances'"),
        ([], 400, "expected a JSON object"),
        ({"instances": [[[[0, 0, 0]]]] * 2}, 400, "one image"),
        ({"inputs": [[[0, 0, 0]]]}, 400, "float32 array [1, height, width, 3]"),
        ({"inputs": [[[[0, 0, 0], [0, 0]]]]}, 400, "all rows of one length"),
        ({"inputs": [[[[0, 0, "a"]]]]}, 400, "expected numbers"),
        ({"inputs": [[[[0, 0, float("nan")]]]]}, 400, "not JSON"),
        ({"inputs": [], "signature_name": [1]}, 400, "Serving signature name"),
        ({"inputs": {"other": 1}}, 400, "expected the input 'images'"),
        ({"inputs": [], "signature_name": "other"}, 400, 'Serving signature name: "other" not found'),
        ({"inputs": {"b64": "AAAA"}, "signature_name": "image_bytes"}, 400, "image: "),
        ({"inputs": "AAAA", "signature_name": "image_bytes"}, 400, '{"b64": "<base64>"}'),
    ],
)  # fmt: skip
def test_errors_have_the_form_and_the_codes_of_tensorflow_serving(
    server: Server, content: Any, status: int, text: str
) -> None:
    import json

    answer = server.client.post(PREDICT, content=json.dumps(content))
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert text in answer.json()["error"]


@pytest.mark.parametrize("path", ["/v1/models/other:predict", "/v1/models/ssd23/versions/2:predict"])
def test_an_unknown_model_or_version_is_not_found(server: Server, path: str) -> None:
    answer = server.client.post(path, json={"inputs": []})
    assert answer.status_code == 404
    assert set(answer.json()) == {"error"}


def test_a_body_may_be_compressed(server: Server, image: np.ndarray, contract: dict[str, list[Any]]) -> None:
    body = gzip.compress(json.dumps({"inputs": image.tolist()}).encode())
    answer = server.client.post(PREDICT, content=body, headers={"content-encoding": "gzip"})
    assert answer.json() == {"outputs": contract}
