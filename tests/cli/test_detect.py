"""`boxable detect`: what it prints and how it ends."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES, Command

CHELSEA = EXAMPLES / "chelsea.png"
OPTIONS = ("--model", "ssd23")

pytestmark = pytest.mark.usefixtures("ssd23_weights")


Printed = Callable[..., str]


@pytest.fixture
def printed(invoke: Invoke) -> Printed:
    """stdout of a run that must succeed."""

    def run(*arguments: object) -> str:
        result = invoke("detect", *arguments, *OPTIONS)
        assert (result.stderr, result.code) == ("", 0)
        return result.stdout

    return run


def only_record(text: str) -> dict[str, Any]:
    (line,) = text.splitlines()
    record: dict[str, Any] = json.loads(line)
    return record


def test_jsonl_is_the_default_and_has_exactly_the_documented_fields(command: Command) -> None:
    result = command("detect", EXAMPLES, "missing.png", *OPTIONS)
    assert result.returncode == 1  # one image failed, the rest is done
    assert result.stderr.decode() == "boxable: missing.png: no such file\n"
    *found, failed = [json.loads(line) for line in result.stdout.decode().splitlines()]
    assert failed == {
        "source": "missing.png", "image_id": "missing", "width": 0, "height": 0, "detections": [],
        "error": "missing.png: no such file",
    }  # fmt: skip
    assert [Path(record["source"]).name for record in found] == ["astronaut.png", "chelsea.png", "coffee.png"]
    for record in found:
        assert set(record) == {"source", "image_id", "width", "height", "detections"}
        scores = [item["score"] for item in record["detections"]]
        assert scores == sorted(scores, reverse=True)
        for item in record["detections"]:
            assert set(item) == {"label_id", "mid", "name", "score", "box"}
            assert 0.3 <= item["score"] <= 1
            ymin, xmin, ymax, xmax = item["box"]
            assert 0 <= ymin < ymax <= 1
            assert 0 <= xmin < xmax <= 1


def test_chelsea_is_a_cat(printed: Printed) -> None:
    record = only_record(printed(CHELSEA))
    assert (record["source"], record["width"], record["height"]) == (str(CHELSEA), 451, 300)
    (item,) = record["detections"]
    assert (item["label_id"], item["mid"], item["name"]) == (122, "/m/01yrx", "Cat")
    assert item["score"] == pytest.approx(0.85, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--classes", "Animal"], {"Cat"}),
        (["--classes", "-Cat"], set()),
        (["--classes", "Dog", "--min-score", "0.9"], set()),
        (["--min-score", "1"], set()),
        (["--max-detections", "1", "--min-score", "0"], {"Cat"}),
    ],
)
def test_options_narrow_what_is_found(printed: Printed, arguments: list[str], expected: set[str]) -> None:
    record = only_record(printed(CHELSEA, *arguments))
    assert {item["name"] for item in record["detections"]} == expected


@pytest.mark.parametrize(("number", "expected"), [(1, 1), (7, 7), (100, 100)])
def test_at_most_so_many_are_printed(printed: Printed, number: int, expected: int) -> None:
    record = only_record(printed(CHELSEA, "--min-score", 0, "--max-detections", number))
    assert len(record["detections"]) == expected


def test_all_formats_tell_the_same(printed: Printed) -> None:
    record = only_record(printed(CHELSEA))
    (item,) = record["detections"]
    assert json.loads(printed(CHELSEA, "--format", "json")) == [record]
    (row,) = csv.DictReader(io.StringIO(printed(CHELSEA, "--format", "csv")))
    assert (row["name"], float(row["score"]), float(row["ymin"])) == ("Cat", item["score"], item["box"][0])
    (row,) = csv.DictReader(io.StringIO(printed(CHELSEA, "--format", "openimages")))
    assert (row["ImageID"], row["LabelName"], float(row["XMax"])) == ("chelsea", "/m/01yrx", item["box"][3])
    coco = json.loads(printed(CHELSEA, "--format", "coco"))
    assert (coco["annotations"][0]["category_id"], len(coco["categories"])) == (122, 23)
    names, comment, line = printed(CHELSEA, "--format", "yolo").splitlines()
    assert json.loads(names.removeprefix("# names: "))[int(line.split()[0])] == "Cat"
    assert comment == f"# {CHELSEA}"
    heading, line = printed(CHELSEA, "--format", "table").splitlines()
    assert (heading, line.split()[:2]) == (f"{CHELSEA}  451x300", ["Cat", "85%"])


def test_an_image_comes_from_standard_input(command: Command) -> None:
    result = command("detect", "-", *OPTIONS, input=CHELSEA.read_bytes())
    assert (result.stderr, result.returncode) == (b"", 0)
    (record,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (record["source"], record["width"], record["height"]) == ("-", 451, 300)
    assert [item["name"] for item in record["detections"]] == ["Cat"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing argument 'SOURCE...'. See: boxable detect --help"),
        ([CHELSEA, "--classes", "Kat"], 2, "ssd23 has no class 'Kat': did you mean Cat"),
        ([CHELSEA, "--classes", "Violin"], 2, "ssd23 has no class 'Violin'; ssd601 has it: boxable models pull ssd601"),
        ([CHELSEA, "--model", "nope"], 2, "unknown model 'nope'"),
        ([CHELSEA, "--model", "nope.onnx"], 1, "nope.onnx: no such file"),
        ([CHELSEA, "--model", CHELSEA], 2, "expected a model's name or a file that Boxable wrote"),
        ([CHELSEA, "--model", "ssd601"], 1, "google/openimages_v4/ssd/mobilenet_v2/1 are not installed"),
        ([CHELSEA, "--min-score", "30"], 2, "Invalid value for '--min-score'"),
        ([CHELSEA, "--max-detections", "0"], 2, "Invalid value for '--max-detections'"),
        ([CHELSEA, "--format", "xml"], 2, "'xml' is not one of 'table', 'json', 'jsonl'"),
        ([CHELSEA, "--save-crops"], 2, "--save-images and --save-crops need --out DIR."),
        ([CHELSEA, "--out", CHELSEA], 2, "Invalid value for '--out'"),
    ],
)
def test_what_went_wrong_is_one_line_on_stderr_and_the_exit_code(
    invoke: Invoke, arguments: list[object], code: int, message: str, request: pytest.FixtureRequest
) -> None:
    if "ssd601" in arguments:
        request.getfixturevalue("empty_home")
    options = () if "--model" in arguments or not arguments else OPTIONS
    result = invoke("detect", *arguments, *options)
    assert (result.stdout, result.code) == ("", code)
    (line,) = result.stderr.splitlines()
    assert line.startswith("boxable: ")
    assert message in line


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("-", "-: expected an image, got an empty file"),
        ("no-*.png", "no-*.png: no file matches this pattern"),
    ],
)
def test_an_image_that_fails_is_a_line_on_stderr_a_record_and_exit_code_1(
    command: Command, source: str, message: str
) -> None:
    result = command("detect", source, *OPTIONS)
    assert result.returncode == 1
    assert result.stderr.decode() == f"boxable: {message}\n"
    assert only_record(result.stdout.decode())["error"] == message


def test_damaged_images_are_kept_if_asked_for(command: Command, tmp_path: Path) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(CHELSEA.read_bytes()[:-50_000])
    refused = command("detect", cut, *OPTIONS)
    assert (refused.returncode, only_record(refused.stdout.decode())["detections"]) == (1, [])
    kept = command("detect", cut, "--truncated", "keep", *OPTIONS)
    assert kept.stderr.decode() == f"boxable: {cut}: damaged; decoded as far as possible\n"
    assert kept.returncode == 0
    record = only_record(kept.stdout.decode())
    assert (record["truncated"], [item["name"] for item in record["detections"]]) == (True, ["Cat"])


def test_a_video_from_standard_input_is_named(command: Command, tmp_path: Path) -> None:
    result = command("detect", "-", *OPTIONS, input=b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41")
    assert result.returncode == 1
    assert result.stderr.startswith(b"boxable: -: expected an image, got a video")


def test_decoding_can_be_fast(printed: Printed) -> None:
    assert printed(CHELSEA, "--decode", "fast") == printed(CHELSEA)  # a PNG file, and so the same
