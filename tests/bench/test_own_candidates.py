"""The stages of Boxable's own calls."""

import boxable
from boxable.bench.candidate import STAGES
from boxable.bench.own_candidates import Stages
from boxable.weights.pull import open_model
from tests.conftest import EXAMPLES


def test_the_stages_of_a_call_are_timed(detector: boxable.Detector) -> None:
    stages = Stages(detector, open_model("ssd23"), 1)
    seconds = stages((EXAMPLES / "chelsea.png").read_bytes())
    assert tuple(seconds) == STAGES
    assert all(0 < value < 10 for value in seconds.values())
    assert seconds["network"] > seconds["postprocess"]
