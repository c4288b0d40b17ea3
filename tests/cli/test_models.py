"""`boxable models`."""

from pathlib import Path

import pytest

from boxable.errors import WeightsError
from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES, Command


def test_the_list_has_name_classes_state_and_handle(command: Command, empty_home: Path) -> None:
    result = command("models", "list")
    assert (result.stderr, result.returncode) == (b"", 0)
    assert result.stdout.decode().splitlines() == [
        "ssd601       601 classes  not installed  google/openimages_v4/ssd/mobilenet_v2/1",
        "frcnn601     601 classes  not installed  google/faster_rcnn/openimages_v4/inception_resnet_v2/1",
        "ssd23         23 classes  not installed  mediapipe/ssd_mobilenet_v2_oidv4_23",
        "frcnn601-zoo 601 classes  not installed  tensorflow/faster_rcnn_inception_resnet_v2_atrous_oid_v4_2018_12_12",
        "ssd601-zoo   601 classes  not installed  tensorflow/ssd_mobilenet_v2_oid_v4_2018_12_12",
    ]


def test_without_a_command_the_networks_are_listed(invoke: Invoke, empty_home: Path) -> None:
    assert invoke("models") == invoke("models", "list")


def test_the_list_says_what_is_installed(invoke: Invoke, ssd23_weights: Path) -> None:
    (line,) = (line for line in invoke("models", "list").lines if line.startswith("ssd23 "))
    assert line.split() == ["ssd23", "23", "classes", "installed", "mediapipe/ssd_mobilenet_v2_oidv4_23"]


def test_the_columns_of_the_list_are_as_wide_as_the_longest_name(invoke: Invoke, empty_home: Path) -> None:
    (empty_home / "models" / "a-name-of-twenty-nine-letters").mkdir(parents=True)
    (empty_home / "models" / "a-name-of-twenty-nine-letters" / f"{'0' * 64}.safetensors").write_bytes(b"damaged")
    lines = invoke("models", "list").lines
    assert [line[29] for line in lines] == [" "] * 6
    assert [line[:29].rstrip() for line in lines] == [
        "ssd601", "frcnn601", "ssd23", "frcnn601-zoo", "ssd601-zoo", "a-name-of-twenty-nine-letters",
    ]  # fmt: skip


def test_what_is_no_hash_cannot_be_trusted(invoke: Invoke, empty_home: Path) -> None:
    result = invoke("models", "pull", "ssd601", "--trust", "abc")
    assert (result.stdout, result.code) == ("", 2)
    assert result.stderr == "boxable: expected a SHA-256 of 64 hexadecimal digits to trust, got 'abc'\n"


def test_info_describes_a_model(invoke: Invoke, empty_home: Path) -> None:
    result = invoke("models", "info", "ssd601")
    assert (result.stderr, result.code) == ("", 0)
    assert "handle         google/openimages_v4/ssd/mobilenet_v2/1" in result.lines
    assert "installed      no; run: boxable models pull ssd601" in result.lines
    assert "\nclasses        601: Tortoise, " in result.stdout
    assert result.lines[-1].endswith(", …; all: boxable classes --model ssd601")
    assert result.lines[-1].count(", ") == 10


def test_info_of_no_name_is_longer_than_a_line(invoke: Invoke, empty_home: Path) -> None:
    for name in ("ssd601", "ssd601-zoo", "ssd23", "frcnn601", "frcnn601-zoo"):
        assert max(map(len, invoke("models", "info", name).lines)) < 220


def test_an_unknown_model_is_wrong_usage(invoke: Invoke) -> None:
    for verb in ("info", "pull"):
        result = invoke("models", verb, "ssd24")
        assert (result.stdout, result.code) == ("", 2)
        assert result.stderr.startswith("boxable: unknown model 'ssd24': did you mean ssd23?")


def test_pulling_what_is_installed_does_nothing(command: Command, ssd23_weights: Path) -> None:
    result = command("models", "pull", "ssd23", env={"BOXABLE_OFFLINE": "1"})
    assert (result.stdout, result.returncode) == (b"", 0)
    assert result.stderr.decode() == f"ssd23 was installed already: {ssd23_weights}\n"


def test_pulling_from_a_wrong_file_is_exit_code_1(invoke: Invoke, empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.data").write_bytes(b"wrong")
    result = invoke("models", "pull", "ssd23", "--from", tmp_path / "wrong.data")
    assert (result.stdout, result.code) == ("", 1)
    assert "wrong.data: this file is not the published objectron_solution_packed_assets.data" in result.stderr


def test_pulling_the_601_class_network_without_a_network_says_how_to_get_it(invoke: Invoke, empty_home: Path) -> None:
    result = invoke("models", "pull", "ssd601")
    assert (result.stdout, result.code) == ("", 1)
    assert "BOXABLE_OFFLINE forbids downloading them. By hand: download https://" in result.stderr
    assert "boxable models pull ssd601 --from FILE" in result.stderr
    assert list(empty_home.rglob("*.safetensors")) == []


def test_a_failed_pull_prints_what_was_tried_and_what_to_do_on_lines_of_their_own(
    invoke: Invoke, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Path:
        raise WeightsError("cannot fetch it; tried:", ["a: answered\x1b 404", "npm: not installed"], "By hand: so")

    monkeypatch.setattr("boxable.weights.pull.pull", fail)
    result = invoke("models", "pull", "ssd23")
    assert (result.stdout, result.code) == ("", 1)
    assert result.stderr.splitlines() == [
        "boxable: cannot fetch it; tried:", "  a: answered\\x1b 404", "  npm: not installed", "By hand: so",
    ]  # fmt: skip


def test_the_folder_of_a_training_run_is_a_model_for_every_verb(
    invoke: Invoke, ssd23_weights: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (run / "best").mkdir(parents=True)
    (run / "best" / "model.safetensors").write_bytes(ssd23_weights.read_bytes())
    image = EXAMPLES / "chelsea.png"
    for path in (run, run / "best"):
        assert invoke("detect", image, "--model", path) == invoke("detect", image, "--model", "ssd23")
        evaluated, expected = (invoke("evaluate", EXAMPLES, model, "--resamples", 0) for model in (path, "ssd23"))
        assert (evaluated.code, evaluated.stdout) == (0, expected.stdout)
        assert invoke("classes", "--model", path).lines == invoke("classes", "--model", "ssd23").lines
        assert f"file           {run / 'best' / 'model.safetensors'}" in invoke("models", "info", path).lines
    quantized = invoke("quantize", run, "--calibration", EXAMPLES, "--loss", 100)
    assert quantized.code == 0
    assert invoke("detect", image, "--model", run / "best", "--precision", "int8").code == 0
