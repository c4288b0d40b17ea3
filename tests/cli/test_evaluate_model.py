"""`boxable evaluate` with a model: it detects first, keeps what it found, and goes on where it was stopped."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import boxable
from boxable.run_folder import RECORD
from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES, ROOT, Command
from tests.formats.test_tables import write

DATA = ROOT.parent / "shared" / "data"
TRUTH_NAMES = ["ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf"]
CAT, PERSON, CUP = "/m/01yrx", "/m/01g317", "/m/02p5f1q"
PICTURES = {"a": "astronaut", "b": "chelsea", "c": "coffee", "d": "chelsea", "e": "astronaut"}
BOXES = {
    "astronaut": (PERSON, 0, 0.9, 0, 1, 0), "chelsea": (CAT, 0, 0.95, 0, 1, 0), "coffee": (CUP, 0.1, 0.9, 0, 1, 0),
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("ssd23_weights")


def set_of_photos(place: Path) -> Path:
    """A folder of boxes, with the five images in it."""
    folder = place / "photos"
    (folder / "images" / "more").mkdir(parents=True)
    write(folder / "annotations-bbox.csv", TRUTH_NAMES, [(image, *BOXES[name]) for image, name in PICTURES.items()])
    for image, name in PICTURES.items():
        shutil.copy2(EXAMPLES / f"{name}.png", folder / "images" / ("more" if image > "c" else "") / f"{image}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return set_of_photos(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, command: Command, ssd23_weights: Path) -> Path:
    """What a run over the five images leaves behind that nothing stopped."""
    place = tmp_path_factory.mktemp("whole")
    done = command("evaluate", set_of_photos(place), "ssd23", "--out", place / "out")
    assert done.returncode == 0, done.stderr
    return place / "out"


def metrics(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_bytes())
    return content


def ledger(folder: Path, suffix: str = ".jsonl") -> Path:
    """The only file of detections in a folder, or the predictions beside it."""
    (path,) = folder.glob(f"detected-*{suffix}")
    return path


def lines(folder: Path) -> list[Any]:
    return [json.loads(line) for line in ledger(folder).read_bytes().splitlines()]


def said(stderr: bytes) -> list[str]:
    """The lines of stderr but those on the report and on the intervals of so few images."""
    return [line for line in stderr.decode().splitlines() if "wrote" not in line and "intervals" not in line]


def same_results(out: Path, whole: Path) -> bool:
    predictions = [ledger(folder, ".csv").read_bytes() for folder in (out, whole)]
    return predictions[0] == predictions[1] and metrics(out) == metrics(whole)


def test_a_run_keeps_its_detections_and_measures_what_the_model_can_name(whole: Path) -> None:
    assert re.fullmatch(rf"detected-[0-9a-f]{{16}}-{re.escape(boxable.__version__)}\.jsonl", ledger(whole).name)
    assert ledger(whole, ".csv").stem == ledger(whole).stem
    assert [(image, Path(record["source"]).stem) for image, _, record in lines(whole)] == [(i, i) for i in PICTURES]
    assert {len(record["detections"]) for _, _, record in lines(whole)} == {100}  # however low their scores
    stamps = {(EXAMPLES / f"{name}.png").stat() for name in PICTURES.values()}
    assert {tuple(stamp) for _, stamp, _ in lines(whole)} == {(file.st_size, file.st_mtime_ns) for file in stamps}
    content = metrics(whole)
    scored = {row["name"]: row["AP"] for row in content["classes"].values() if row["AP"] is not None}
    assert scored == {"Cat": 1, "Person": pytest.approx(1, abs=0.5), "Coffee cup": pytest.approx(0.5, abs=0.5)}
    assert len(content["classes"]) <= 23
    assert "Animal" in {item["name"] for item in content["not_counted"].values()}


def test_what_was_detected_is_not_detected_again(photos: Path, whole: Path, command: Command, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    done = command("evaluate", photos, "ssd23", "--out", out)
    assert (done.returncode, said(done.stderr)) == (0, ["boxable: detected before: 5 of 5 images"])
    assert lines(out) == lines(whole)
    assert same_results(out, whole)


CUTS: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "in the last line": (lambda data: data[:-20], 4),
    "before its line break": (lambda data: data[:-1], 4),
    "after the second picture": (lambda data: b"".join(data.splitlines(keepends=True)[:2]), 2),
    "after the first line": (lambda data: data[: data.index(b"\n") + 1], 1),
    "in the first line": (lambda data: data[:30], 0),
    "at once": (lambda data: b"", 0),
    "with zeros behind": (lambda data: data[:-20] + b"\0" * 100, 4),
    "with a line of something else behind": (lambda data: b"".join(data.splitlines(keepends=True)[:2]) + b"[1]\n", 2),
    "with a record of nothing behind": (
        lambda data: b"".join(data.splitlines(keepends=True)[:2]) + b'["c", [0, 0], {}]\n',
        2,
    ),
}


@pytest.mark.parametrize(("cut", "kept"), CUTS.values(), ids=CUTS)
def test_a_run_that_was_cut_off_goes_on_to_the_same_predictions(
    photos: Path, whole: Path, command: Command, tmp_path: Path, cut: Callable[[bytes], bytes], kept: int
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / ledger(whole).name).write_bytes(cut(ledger(whole).read_bytes()))
    done = command("evaluate", photos, "ssd23", "--out", out)
    expected = [f"boxable: detected before: {kept} of 5 images"] if kept else []
    assert (done.returncode, said(done.stderr)) == (0, expected)
    assert [image for image, *_ in lines(out)] == list(PICTURES)
    assert same_results(out, whole)


# The command, which sends itself a signal when so many images are done.
STOPPED = """
import os, signal, sys
from boxable.cli import main
from boxable.detection.detector import Detector
number, after, stream = int(sys.argv[1]), int(sys.argv[2]), Detector.stream
def stopping(self, *arguments, **options):
    for count, found in enumerate(stream(self, *arguments, **options)):
        if count == after:
            os.kill(os.getpid(), number)
        yield found
Detector.stream = stopping
sys.argv[1:] = sys.argv[3:]
main()
"""


def stopped(number: int, *arguments: object, after: int = 2, **options: Any) -> subprocess.CompletedProcess[bytes]:
    line = [sys.executable, "-c", STOPPED, str(number), str(after), "evaluate", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, timeout=60, check=False, **options)


posix = pytest.mark.skipif(os.name != "posix", reason="signals are another matter there")


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_stopped_goes_on_to_the_same_predictions(
    photos: Path, whole: Path, command: Command, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "out"
    first = stopped(number, photos, "ssd23", "--out", out)
    assert (first.stdout, first.returncode) == (b"", 130 if number == signal.SIGINT else -number)
    assert b"Traceback" not in first.stderr
    if number == signal.SIGINT:
        assert b"run the same command again with the same --out" in first.stderr
    left = {path.name for path in out.iterdir()}
    # Who is killed cannot take away the lock, but it holds nobody up.
    assert left - {".lock"} == {ledger(whole).name, RECORD}
    assert number == signal.SIGKILL or ".lock" not in left
    done = command("evaluate", photos, "ssd23", "--out", out)
    assert (done.returncode, said(done.stderr)) == (0, ["boxable: detected before: 2 of 5 images"])
    assert same_results(out, whole)


@posix
def test_ctrl_c_without_out_leaves_nothing_and_promises_nothing(photos: Path, tmp_path: Path) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    done = stopped(signal.SIGINT, photos, "ssd23", env=os.environ | {"TMPDIR": str(place)})
    left = [path.name for path in place.iterdir() if path.name != ".ses"]  # which is onnxruntime's own
    assert (done.stdout, done.returncode, left) == (b"", 130, [])
    assert b"stopped" in done.stderr
    assert b"goes on from there" not in done.stderr


@pytest.mark.parametrize("other", ["model", "version"])
def test_detections_of_another_model_are_not_taken_and_stay(
    photos: Path, whole: Path, command: Command, tmp_path: Path, other: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    own = ledger(whole).name
    _, graph, version = ledger(whole).stem.split("-")
    name = own.replace(graph, "00000000") if other == "model" else own.replace(version, "0.0.9")
    texts = [json.dumps([image, stamp, {**record, "detections": []}]) for image, stamp, record in lines(whole)]
    (out / name).write_text("\n".join(texts) + "\n")
    before = (out / name).read_bytes()
    done = command("evaluate", photos, "ssd23", "--out", out)
    assert (done.returncode, said(done.stderr)) == (0, [])
    assert (out / name).read_bytes() == before
    (out / name).unlink()
    assert same_results(out, whole)


@pytest.mark.parametrize("change", ["content", "time"])
def test_a_picture_that_changed_is_detected_again(
    photos: Path, whole: Path, command: Command, tmp_path: Path, change: str
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    picture = photos / "images" / "b.png"
    if change == "content":
        shutil.copy2(photos / "images" / "c.png", picture)
    else:
        os.utime(picture, ns=(0, 0))
    done = command("evaluate", photos, "ssd23", "--out", out)
    assert (done.returncode, said(done.stderr)) == (0, ["boxable: detected before: 4 of 5 images"])
    assert [image for image, *_ in lines(out)] == [*PICTURES, "b"]

    def found(folder: Path, image: str) -> list[str]:
        rows = ledger(folder, ".csv").read_text().splitlines()
        return [row.partition(",")[2] for row in rows if row.startswith(f"{image},")]

    # Only what is there now counts: once, and not beside what was there before.
    assert found(out, "b") == found(whole, "c" if change == "content" else "b") != []
    assert {image: found(out, image) for image in "acde"} == {image: found(whole, image) for image in "acde"}
    cat = metrics(out)["classes"][CAT]
    assert (cat["AP"] == 1) is (change == "time")
    again = command("evaluate", photos, "ssd23", "--out", out)
    assert said(again.stderr) == ["boxable: detected before: 5 of 5 images"]


WRONG_BEFORE: dict[str, tuple[list[str], str]] = {
    "unknown class": (["--classes", "Kat"], "ssd23 has no class 'Kat': did you mean Cat?"),
    "class of another model": (["--classes", "Zebra"], "ssd23 has no class 'Zebra'; ssd601 has it"),
    "unknown class to show": (["--show", "Kat"], "unknown class 'Kat'"),
    "flawed ground truth": (["--strict"], "strict: 1 ground-truth box of an unknown class"),
}


@pytest.mark.parametrize(("options", "says"), WRONG_BEFORE.values(), ids=WRONG_BEFORE)
def test_what_is_wrong_is_said_before_the_first_picture_is_detected(
    photos: Path, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    boxes = [*((image, *BOXES[name]) for image, name in PICTURES.items()), ("a", "/m/nothing", 0, 1, 0, 1, 0)]
    write(photos / "annotations-bbox.csv", TRUTH_NAMES, boxes)
    monkeypatch.setattr(boxable.Detector, "stream", lambda *_, **__: pytest.fail("it detected"))
    result = invoke("evaluate", photos, "ssd23", "--out", tmp_path / "out", *options)
    assert (result.stdout, result.code) == ("", 2)
    assert says in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", [True, False])
def test_pictures_of_which_none_can_be_read_are_an_error(
    photos: Path, invoke: Invoke, tmp_path: Path, out: bool
) -> None:
    for path in photos.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:3000])
    result = invoke("evaluate", photos, "ssd23", *(["--out", tmp_path / "out"] if out else []))
    assert (result.stdout, result.code) == ("", 1)
    assert result.stderr.splitlines()[-1] == "boxable: none of the image files can be read"
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_pictures_may_lie_beside_the_tables(photos: Path, whole: Path, invoke: Invoke, tmp_path: Path) -> None:
    for path in list(photos.rglob("*.png")):
        path.rename(photos / path.name)
    shutil.rmtree(photos / "images")
    assert invoke("evaluate", photos, "ssd23", "--out", tmp_path / "out").code == 0
    assert metrics(tmp_path / "out") == metrics(whole)


@pytest.mark.parametrize("protocol", ["challenge", "pascal"])
def test_a_listed_picture_without_a_box_counts_as_it_does_with_a_file(
    photos: Path, invoke: Invoke, tmp_path: Path, protocol: str
) -> None:
    write(photos / "annotations-bbox.csv", TRUTH_NAMES, [(i, *BOXES[PICTURES[i]]) for i in "abc"])
    write(photos / "images.csv", ["ImageID", "Width", "Height"], [(image, 512, 512) for image in PICTURES])
    model, file = tmp_path / "model", tmp_path / "file"
    rules = ["--protocol", protocol]
    assert invoke("evaluate", photos, "ssd23", "--out", model, *rules).code == 0
    assert invoke("evaluate", photos, ledger(model, ".csv"), "--out", file, *rules).code == 0
    assert [metrics(folder)["images"] for folder in (model, file)] == [5, 5]
    of_file, of_model = (metrics(folder)["classes"] for folder in (file, model))
    assert {mid: of_file[mid] for mid in of_model} == of_model


def test_only_pictures_that_are_new_are_detected(photos: Path, whole: Path, command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    boxes = photos / "annotations-bbox.csv"
    text = boxes.read_text()
    boxes.write_text("".join(text.splitlines(keepends=True)[:4]))
    assert command("evaluate", photos, "ssd23", "--out", out).returncode == 0
    assert metrics(out)["images"] == 3
    boxes.write_text(text)
    done = command("evaluate", photos, "ssd23", "--out", out)
    assert said(done.stderr) == ["boxable: detected before: 3 of 5 images"]
    assert same_results(out, whole)


def test_pictures_that_are_missing_or_broken_are_left_out_with_a_note(
    photos: Path, command: Command, tmp_path: Path
) -> None:
    (photos / "images" / "a.png").unlink()
    broken = photos / "images" / "b.png"
    broken.write_bytes(broken.read_bytes()[:3000])
    arguments = ("evaluate", photos, "ssd23", "--out", tmp_path / "out")
    done = command(*arguments)
    picture, *notes = said(done.stderr)
    assert picture.startswith(f"boxable: {broken}: ")
    assert [note.partition("(")[2] for note in notes] == ["a): not evaluated", "b): not evaluated"]
    assert (metrics(tmp_path / "out")["images"], done.returncode) == (3, 0)
    strict = command(*arguments, "--strict")
    assert (strict.returncode, strict.stdout) == (2, b"")
    assert "(b)" in said(strict.stderr)[-1]
    assert said(strict.stderr)[-1].startswith("boxable: strict: ")


def test_a_second_run_leaves_nothing_of_the_first(photos: Path, whole: Path, invoke: Invoke, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "out"))
    (out / "notes.txt").write_bytes(b"")
    first = {path.name for path in out.iterdir()}
    assert invoke("evaluate", photos, ledger(whole, ".csv"), "--out", out).code == 0
    detected = {ledger(whole).name, ledger(whole, ".csv").name}
    assert {path.name for path in out.iterdir()} == first - detected
    invoke("evaluate", photos, ledger(whole, ".csv"), "--out", out, "--classes", "Kat")
    assert {path.name for path in out.iterdir()} == first - detected, "a run that does not begin removes nothing"


def test_a_picture_that_was_repaired_counts_in_the_next_run(photos: Path, invoke: Invoke, tmp_path: Path) -> None:
    picture = photos / "images" / "b.png"
    sound = picture.read_bytes()
    for data, images in ((sound[:3000], 4), (sound, 5)):
        picture.write_bytes(data)
        assert invoke("evaluate", photos, "ssd23", "--out", tmp_path / "out").code == 0
        assert metrics(tmp_path / "out")["images"] == images


def test_the_predictions_as_a_file_give_the_same_figures(
    photos: Path, whole: Path, invoke: Invoke, tmp_path: Path
) -> None:
    assert invoke("evaluate", photos, ledger(whole, ".csv"), "--out", tmp_path / "out").code == 0
    of_file, of_model = (metrics(folder)["classes"] for folder in (tmp_path / "out", whole))
    assert {mid: of_file[mid] for mid in of_model} == of_model


def test_pictures_may_be_elsewhere_and_nothing_need_be_kept(
    photos: Path, whole: Path, invoke: Invoke, tmp_path: Path
) -> None:
    (photos / "images").rename(tmp_path / "elsewhere")
    before = set(tmp_path.rglob("*"))
    result = invoke("evaluate", photos, "ssd23", "--images", tmp_path / "elsewhere", "--classes", "Cat")
    assert result.code == 0
    assert result.lines[0].startswith("mAP 1.0000  ")
    assert set(tmp_path.rglob("*")) == before


def test_real_photos_are_evaluated_end_to_end(command: Command, tmp_path: Path) -> None:
    if not DATA.is_dir():
        pytest.skip("the small photo sets are not beside this checkout")
    assert command("evaluate", DATA / "tiny", "ssd23", "--out", tmp_path / "out").returncode == 0
    content = metrics(tmp_path / "out")
    assert (content["images"], content["mAP"]) == (12, pytest.approx(0.601, abs=0.01))
