"""Train the whole 601-class network on genuine images of Open Images, and print losses, time and memory as JSON.

python -m tests.training.fifty_steps ../shared/data/eval-oi RUN RECIPE BATCH_SIZE
"""

import json
import resource
import sys
import time
from pathlib import Path

from boxable.networks.architectures.ssd_mobilenet_v2 import ssd_mobilenet_v2
from boxable.training.checkpoints import Checkpoint
from boxable.training.data import open_training_data
from boxable.training.log import LOG, RunLog, read_log
from boxable.training.loop import Job, Loop
from boxable.training.options import Options
from boxable.training.plan import Phase, Plan
from boxable.training.ranks import open_ranks
from boxable.training.setup import assemble
from boxable.training.state import State
from boxable.training.validation import Validation
from boxable.vocabulary import open_images
from boxable.weights.model import Model
from tests.parity.formula_weights import formula_weights

STEPS = 50


def main(data: str, out: str, recipe: str, batch_size: str) -> None:
    """Take the steps; `boxable train` would leave out the classes that have no box in so few images."""
    network = ssd_mobilenet_v2(601)
    model = Model(network, formula_weights(network.variables), open_images(), "formula601")
    options = Options(Path(data), None, Path(out), train="all", recipe=recipe, steps=STEPS, workers=1)  # type: ignore[arg-type]
    with open_ranks() as ranks, open_training_data(options.data) as found:
        setup = assemble(options, found, ranks, model.classes, model)
        validation = Validation(found.validation, found.annotations)
        log = RunLog(options.out, 0)
        plan = Plan((Phase("all", STEPS, STEPS),), int(batch_size))
        times = [time.perf_counter()]
        show = lambda _: times.append(time.perf_counter())  # noqa: E731
        job = Job(options.out, plan, setup, validation, options.accumulate, log, show)
        Loop(job, Checkpoint(model, {}, State())).run()
        log.close()
    losses = [line["loss"] for line in read_log(options.out / LOG) if line["kind"] == "train"]
    seconds = (times[-1] - times[1]) / (STEPS - 1)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"losses": losses, "s_per_step": seconds, "peak_mb": kilobytes / 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
