"""Other libraries, beside which Boxable is measured."""

import sys

import pytest

from boxable.bench.candidate import STAGES
from boxable.bench.measure import measure
from boxable.bench.peers import PEERS
from boxable.errors import WeightsError
from tests.conftest import EXAMPLES

CAT = EXAMPLES / "chelsea.png"
CPU = ["onnxruntime"]

pytestmark = pytest.mark.usefixtures("ssd23_weights")


def test_peers_that_cannot_run_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ai_edge_litert.interpreter", "openvino", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)
    measured = measure("ssd23", runtimes=CPU, places=[CAT], rounds=1)
    assert [result.name for result in measured.results] == ["onnxruntime fp32"]
    assert set(measured.left_out) == set(PEERS)
    assert measured.left_out["litert"] == "not installed"
    assert "--ultralytics" in measured.left_out["ultralytics"]


@pytest.mark.optional
@pytest.mark.parametrize(("peer", "package"), [("litert", "ai_edge_litert"), ("openvino", "openvino")])
def test_a_peer_that_is_installed_is_measured_and_evaluated(peer: str, package: str) -> None:
    pytest.importorskip(package)
    try:
        measured = measure("ssd23", runtimes=CPU, data=EXAMPLES, peers=[peer], rounds=1)
    except WeightsError as error:
        pytest.skip(str(error))
    ours, other = measured.results
    assert set(other.latency) == {*STAGES, "end to end"}
    assert other.accuracy is not None
    assert ours.accuracy is not None
    assert other.accuracy.images == ours.accuracy.images
    assert other.accuracy.mean_ap == pytest.approx(ours.accuracy.mean_ap, abs=0.2)
