"""The service's own API gives what the Detector gives, and refuses the rest in problem+json."""

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

import boxable
from tests.serving.conftest import CHELSEA, EXAMPLES, Server, wait_for

pytestmark = pytest.mark.serving


def expected(detector: boxable.Detector, name: str = "image", **options: Any) -> dict[str, Any]:
    return {**detector(CHELSEA, **options).to_dict(), "source": name, "image_id": name.removesuffix(".png")}


def test_a_raw_body_gives_the_record_of_the_detector(server: Server, detector: boxable.Detector) -> None:
    answer = server.client.post("/v1/detect", content=CHELSEA.read_bytes())
    assert answer.status_code == 200
    assert answer.json() == expected(detector)


def test_the_parameters_are_those_of_the_detector(server: Server, detector: boxable.Detector) -> None:
    options = {"classes": "Cat,Dog", "min_score": 0.01, "max_detections": 5, "nms": "class-agnostic"}
    answer = server.client.post("/v1/detect", params=options, content=CHELSEA.read_bytes())
    assert answer.json() == expected(detector, **options)
    assert len(answer.json()["detections"]) == 5


def test_json_has_the_image_in_base64(server: Server, detector: boxable.Detector) -> None:
    text = base64.b64encode(CHELSEA.read_bytes()).decode()
    for image in (text, f"data:image/png;base64,{text}"):
        assert server.client.post("/v1/detect", json={"image": image}).json() == expected(detector)


def test_a_form_has_a_record_for_each_file_and_an_error_for_a_damaged_one(
    server: Server, detector: boxable.Detector
) -> None:
    files = [("image", ("chelsea.png", CHELSEA.read_bytes())), ("image", ("bad.png", b"no image"))]
    answer = server.client.post("/v1/detect", files=files)
    first, second = answer.json()
    assert first == expected(detector, "chelsea.png")
    assert (second["source"], second["detections"]) == ("bad.png", [])
    assert second["error"].startswith("bad.png: ")
    lines = server.client.post("/v1/detect", params={"format": "jsonl"}, files=files).text.splitlines()
    assert [json.loads(line) for line in lines] == [first, second]


def test_the_annotated_image_has_the_size_of_the_image(server: Server) -> None:
    answer = server.client.post("/v1/detect", params={"format": "image"}, content=CHELSEA.read_bytes())
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(CHELSEA) as original:
        assert Image.open(io.BytesIO(answer.content)).size == original.size


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ({"content": b"no image"}, 400, "image: "),
        ({"content": b""}, 400, "image: "),
        ({"params": {"classes": "Unicorn"}, "content": b"x"}, 400, "Unicorn"),
        ({"params": {"min_score": "2"}, "content": b"x"}, 400, "min_score: "),
        ({"params": {"nms": "none"}, "content": b"x"}, 400, "nms: "),
        ({"params": {"score": "1"}, "content": b"x"}, 400, "no parameter 'score'; expected some of model, classes"),
        ({"params": {"model": "other"}, "content": b"x"}, 404, "no model 'other' is served here"),
        ({"json": {"image": 3}}, 400, 'expected {"image": "<base64>"}'),
        ({"json": {"image": "&"}}, 400, "expected base64"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "the body is not JSON"),
        ({"content": b"[" * 10**6, "headers": {"content-type": "application/json"}}, 400, "the body is not JSON"),
        ({"content": b"x", "headers": {"request-timeout": "soon"}}, 400, "Request-Timeout: expected"),
        ({"content": b"x" * (20 * 2**20 + 1)}, 413, "more than 20,971,520 bytes"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "form"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_a_problem_of_one_line(
    server: Server, options: dict[str, Any], status: int, text: str
) -> None:
    answer = server.client.post("/v1/detect", **options)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert text in problem["detail"]
    assert "\n" not in problem["detail"]
    assert str(EXAMPLES.parent) not in answer.text


def test_a_deadline_that_passes_is_a_problem_to_try_again_after(server: Server) -> None:
    file = io.BytesIO()
    Image.new("RGB", (7000, 7000)).save(file, "PNG")  # takes longer to decode than any deadline here
    headers = {"request-timeout": "0.1"}
    answer = server.client.post("/v1/detect", content=file.getvalue(), headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["status"] == 503
    assert "seconds" in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert str(EXAMPLES.parent) not in answer.text


def test_models_and_classes_are_listed(server: Server, detector: boxable.Detector) -> None:
    (model,) = server.client.get("/v1/models").json()["models"]
    assert (model["name"], model["handle"], model["classes"]) == ("ssd23", detector.handle, len(detector.classes))
    classes = server.client.get("/v1/classes", params={"classes": "Animal"}).json()["classes"]
    assert {item["name"] for item in classes} == {"Cat", "Cattle", "Dog", "Person"} & {item["name"] for item in classes}
    assert next(item for item in classes if item["name"] == "Cat")["ancestors"][-1] == "Animal"


def test_an_answer_tells_its_id_and_its_stages_and_what_a_browser_may_do(server: Server) -> None:
    answer = server.client.post("/v1/detect", content=CHELSEA.read_bytes(), headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert [part.partition(";")[0] for part in answer.headers["server-timing"].split(", ")] == [
        "queue", "decode", "network", "postprocess",
    ]  # fmt: skip
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    wait_for(lambda: '"id": "mine-1"' in server.log.read_text())
