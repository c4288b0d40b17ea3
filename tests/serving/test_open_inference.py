"""Triton's own client, and plain requests of the Open Inference Protocol."""

import base64
import gzip
import json
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

import boxable
from tests.serving.conftest import CHELSEA, Server, Start, wait_for

pytestmark = pytest.mark.serving
http = pytest.importorskip("tritonclient.http")


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    with Image.open(CHELSEA) as original:
        small = original.convert("RGB").resize((90, 60))
    return (np.asarray(small, np.float32) / 255)[None]


@pytest.fixture(scope="module")
def triton(server: Server) -> Any:
    client = http.InferenceServerClient(server.address.removeprefix("http://"))
    yield client
    client.close()


def same(result: Any, contract: dict[str, np.ndarray]) -> None:
    for name, values in contract.items():
        found = result.as_numpy(name)
        assert found.shape == values.shape
        assert found.tolist() == values.tolist()


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_triton_gets_what_the_module_returned(
    triton: Any, image: np.ndarray, detector: boxable.Detector, binary: bool, compression: str | None
) -> None:
    tensor = http.InferInput("images", image.shape, "FP32")
    tensor.set_data_from_numpy(image, binary_data=binary)
    contract = detector(image, as_dict=True, class_fields="served")
    outputs = [http.InferRequestedOutput(name, binary_data=binary) for name in contract]
    result = triton.infer(
        "ssd23", [tensor], outputs=outputs, request_id="7", request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )  # fmt: skip
    assert result.get_response()["id"] == "7"
    if binary:
        same(result, contract)
    else:
        strings = {name for name, values in contract.items() if values.dtype == object}
        same(result, {name: values for name, values in contract.items() if name not in strings})


def test_triton_sends_an_encoded_image(triton: Any, detector: boxable.Detector) -> None:
    tensor = http.InferInput("image", [1], "BYTES")
    tensor.set_data_from_numpy(np.array([CHELSEA.read_bytes()], object))
    result = triton.infer("ssd23", [tensor])
    assert result.as_numpy("detection_scores").tolist() == detector(CHELSEA, min_score=0.0).scores.tolist()


def test_triton_asks_about_the_server(triton: Any) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready("ssd23")
    assert triton.is_model_ready("ssd23", "1")
    assert triton.get_server_metadata()["name"] == "boxable"
    assert {item["name"] for item in triton.get_model_metadata("ssd23")["inputs"]} == {"images", "image"}
    assert triton.get_model_config("ssd23")["name"] == "ssd23"
    assert triton.get_model_repository_index() == [{"name": "ssd23", "version": "1", "state": "READY", "reason": ""}]
    assert triton.get_inference_statistics("ssd23")["model_stats"][0]["inference_count"] > 0


def test_plain_json_without_a_content_type(server: Server, image: np.ndarray, detector: boxable.Detector) -> None:
    inputs = [{"name": "images", "shape": list(image.shape), "datatype": "FP32", "data": image.ravel().tolist()}]
    request = server.client.build_request("POST", "/v2/models/ssd23/infer", json={"inputs": inputs, "id": "a"})
    del request.headers["content-type"]
    answer = server.client.send(request)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["id"], found["model_name"], found["model_version"]) == ("a", "ssd23", "1")
    contract = detector(image, as_dict=True, class_fields="served")
    for output in found["outputs"]:
        assert output["shape"] == list(contract[output["name"]].shape)
    boxes = next(output for output in found["outputs"] if output["name"] == "detection_boxes")
    assert boxes["data"] == contract["detection_boxes"].ravel().tolist()


def test_an_image_in_base64(server: Server, detector: boxable.Detector) -> None:
    data = [base64.b64encode(CHELSEA.read_bytes()).decode()]
    content = {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": data}]}
    answer = server.client.post("/v2/models/ssd23/versions/1/infer", json=content)
    assert len(answer.json()["outputs"][0]["data"]) == 4 * len(detector(CHELSEA, min_score=0.0))


def tensor(**changes: Any) -> dict[str, Any]:
    plain = {"name": "images", "shape": [1, 1, 1, 3], "datatype": "FP32", "data": [0, 0, 0]}
    return {"inputs": [plain | changes]}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([], "inputs: expected a list of one tensor"),
        ({"inputs": []}, "inputs: expected a list of one tensor"),
        (tensor(name="other"), "expected 'images' or 'image'"),
        (tensor(datatype="INT8"), "expected datatype FP32"),
        (tensor(shape=[1, 2, 2, 3]), "expected 12 numbers, for shape [1, 2, 2, 3]"),
        (tensor(shape=[1, -1, 1, 3]), "expected shape [1, height, width, 3]"),
        (tensor(data=["a", 0, 0]), "images: expected 3 numbers"),
        (tensor(data=[0, 0, float("inf")]), "not JSON"),
        (tensor(parameters={"binary_data_size": 12}), "expected 12 bytes of data, got 0"),
        (tensor() | {"outputs": [{"name": "other"}]}, "outputs: expected some of detection_boxes"),
    ],
)  # fmt: skip
def test_errors_are_one_line(server: Server, content: Any, text: str) -> None:
    answer = server.client.post("/v2/models/ssd23/infer", content=json.dumps(content))
    assert answer.status_code == 400
    assert text in answer.json()["error"]


def test_a_compressed_body_is_bounded_as_it_is_decompressed(server: Server) -> None:
    bomb = gzip.compress(bytes(2**30), 9)
    for body, status in ((bomb, 400), (b"no gzip", 400), (gzip.compress(b"{}")[:-5], 400)):
        answer = server.client.post("/v2/models/ssd23/infer", content=body, headers={"content-encoding": "gzip"})
        assert answer.status_code in (status, 413)
        assert "error" in answer.json()


def test_compressed_bodies_may_have_members_and_answers_are_as_asked(server: Server) -> None:
    whole = json.dumps(tensor()).encode()
    body = gzip.compress(whole[:20]) + gzip.compress(whole[20:])
    for accepted, encoding in (("gzip;q=0, deflate", "deflate"), ("gzip;q=0.5", "gzip"), ("gzip;q=0", None)):
        headers = {"content-encoding": "gzip", "accept-encoding": accepted}
        answer = server.client.post("/v2/models/ssd23/infer", content=body, headers=headers)
        assert (answer.status_code, answer.headers.get("content-encoding")) == (200, encoding)
        assert answer.json()["outputs"]
        assert answer.headers["server-timing"].startswith("queue;dur=")


def test_statistics_are_those_of_all_workers(start: Start) -> None:
    with start("--workers", "2") as server:
        wait_for(lambda: server.log.read_text().count("serving ssd23 at") == 2)
        for _ in range(8):  # each on a connection of its own, so that both workers get some
            httpx.post(f"{server.address}/v1/detect", content=CHELSEA.read_bytes(), timeout=30).raise_for_status()
        for path in ("/v2/models/stats", "/v2/models/ssd23/stats"):
            for _ in range(4):
                (found,) = httpx.get(server.address + path).json()["model_stats"]
                assert (found["name"], found["inference_count"], found["execution_count"]) == ("ssd23", 8, 8)
