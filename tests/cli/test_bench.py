"""`boxable bench`."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from boxable.bench.candidate import STAGES
from tests.cli.conftest import Invoke
from tests.conftest import EXAMPLES

QUICK = ("bench", "ssd23", "--rounds", 1, "--peers", "none", "--images", EXAMPLES, "--runtimes", "onnxruntime")

pytestmark = pytest.mark.usefixtures("ssd23_weights")


def test_a_pipe_gets_plain_lines_with_machine_versions_threads_and_figures(invoke: Invoke) -> None:
    result = invoke(*QUICK, "--threads", 1)
    assert result.code == 0
    assert "\x1b" not in result.stdout
    text = result.stdout
    for part in ("cores", "1 thread;", "onnxruntime 1.", "3 images, ", *STAGES, "end to end", "images/s", "p50", "p99"):
        assert part in text
    (row,) = (line for line in result.lines if line.startswith("onnxruntime fp32"))
    figures = [float(word) for word in row.split()[3:]]
    assert len(figures) == len(STAGES) + 2
    assert all(figure > 0 for figure in figures)


def test_the_figures_and_the_plot_are_written(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke(*QUICK, "--out", tmp_path / "speed.json", "--out", tmp_path / "speed.svg")
    assert result.code == 0
    content = json.loads((tmp_path / "speed.json").read_bytes())
    assert content["results"][0]["latency"]["network"]["p50"] > 0
    assert content["machine"]["processor"]
    assert content["stopped"] is False
    plot = ET.fromstring((tmp_path / "speed.svg").read_text("utf-8"))
    texts = [item.text or "" for item in plot.iter("{http://www.w3.org/2000/svg}text")]
    assert "onnxruntime fp32" in texts
    assert set(STAGES) < set(texts)


@pytest.mark.parametrize("save", [True, False])
def test_only_save_stores_the_median_times_and_names_the_file(
    save: bool, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("boxable.runtimes.choice.home", lambda: tmp_path)
    figures = tmp_path / "speed.json"
    assert invoke(*QUICK, "--threads", 1, "--out", figures, *["--save"] * save).code == 0
    written = list(tmp_path.glob("fastest/*.json"))
    assert len(written) == save
    assert ("saved the speeds" in caplog.text) == save
    for path in written:
        assert f"saved the speeds in {path}" in caplog.text
        latency = json.loads(figures.read_bytes())["results"][0]["latency"]["end to end"]
        assert json.loads(path.read_bytes())["seconds"] == [["onnxruntime", "fp32", latency["p50"] / 1000]]


def test_several_runtimes_may_be_named_in_both_ways(invoke: Invoke) -> None:
    result = invoke(*QUICK, "--precisions", "fp32,bf16", "--precisions", "fp32")
    assert [line.split()[1] for line in result.lines if line.startswith("onnxruntime ")] == ["fp32"]
    assert any(line.startswith("not measured: onnxruntime bf16") for line in result.lines)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "speed.png"), ".svg"),
        (("--runtimes", "cuda9"), "cuda9"),
        (("--peers", "caffe"), "caffe"),
        (("--precisions", ","), "precision: expected one or more, as in fp32,int8, got none"),
        (("--images", "absent/"), "absent"),
        (("--rounds", "0"), "0"),
    ],
)
def test_wrong_usage_is_one_line(invoke: Invoke, arguments: tuple[str, ...], said: str) -> None:
    result = invoke("bench", "ssd23", *arguments)
    assert (result.stdout, result.code) == ("", 2)
    (line,) = result.stderr.splitlines()
    assert said in line


def test_ctrl_c_prints_what_is_measured_so_far(tmp_path: Path) -> None:
    figures = tmp_path / "speed.json"
    command = [sys.executable, "-m", "boxable", *map(str, QUICK), "--rounds", "100000", "--out", str(figures)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ.copy())
    assert process.stderr is not None
    assert any(b"warmed up" in line for line in process.stderr)
    time.sleep(2)  # some calls
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"onnxruntime fp32" in stdout
    assert json.loads(figures.read_bytes())["stopped"] is True
