"""`boxable.train`: from annotated images and a starting model to a better model."""

import os
from dataclasses import dataclass
from pathlib import Path

from boxable.errors import MissingExtraError
from boxable.metrics.evaluate import Evaluation
from boxable.training.options import LabelPolicy, Options, RecipeName, Scope
from boxable.weights.model import Model

_Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """What a run made: the best model, its evaluation, and that of the starting model on the same images.

    `folder` has the model in best/: `boxable.load(folder)` opens it.
    """

    folder: Path
    model: Model
    evaluation: Evaluation
    start: Evaluation

    def __repr__(self) -> str:
        return f"<TrainingResult {self.folder}: mAP {self.start.mean_ap:.4f} to {self.evaluation.mean_ap:.4f}>"

    def __str__(self) -> str:
        return (
            f"mAP {_with_interval(self.start)} of the starting model, {_with_interval(self.evaluation)} of the best: "
            f"{self.folder}"
        )


def _with_interval(evaluation: Evaluation) -> str:
    between = "" if evaluation.interval is None else " ({:.4f} to {:.4f})".format(*evaluation.interval)
    return f"{evaluation.mean_ap:.4f}{between}"


def train(
    data: _Path,
    start: _Path | None = None,
    *,
    out: _Path,
    name: str | None = None,
    val: _Path | None = None,
    train: Scope = "auto",
    keep: bool = False,
    recipe: RecipeName = "default",
    annotations: LabelPolicy | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    accumulate: int = 1,
    eql: bool = False,
    seed: int = 0,
    workers: int | None = None,
    resume: bool = False,
    log: str | None = None,
) -> TrainingResult | None:
    """Train a model on annotated images, and return the one with the highest mAP on the validation images.

    `data` is a set of any format that `boxable data convert` reads. Validation images are those of the set `val`, else
    of the split of `data`, else one in five by the hash of the image id. `start` is a model's name or file, or
    `"random"`; None: as `boxable.load` does. Classes that the model shares with the data keep their columns, others are
    new; with `keep` all columns of the model stay as they are, bit by bit, and only those of new classes are trained.

    `train` is the scope: `"head"` (the predictions; features of some augmented views of each image are computed once),
    `"neck"` (the extra layers too), `"all"`, or `"auto"`: the head, then all. `recipe="original"` is that of the
    original (SEMANTICS §7). With `annotations="exhaustive"` classes without a label in an image are absent from it,
    with `"verified"` unknown, unless an image label says otherwise; None: verified if some image label names an
    absent class. `eql` reweights rare classes
    (equalization loss v2, arXiv:2012.08548).

    The run takes about `minutes` (10), or a number of `steps`, of `batch_size` images on all ranks together (16, and 24
    in the original recipe), in `accumulate` parts on each rank. Images are read by `workers` processes. The folder
    `out` gets run.json, log.jsonl, TensorBoard's events, curves.png, report.html, and the checkpoints best/ and last/.
    A run that was stopped goes on with the same arguments and `resume`, to the same result. `log` names a tracker
    (`mlflow`, `trackio`, `wandb`). With `name` the best model is installed under this name.

    Under torchrun every process calls this, and all but the first get None. Raises ArgumentError for what cannot be
    used, BoxableError for what cannot be read or written and for losses that are not finite, WeightsError for a model
    without weights, and MissingExtraError without `boxable[train]`.
    """
    try:
        import matplotlib  # noqa: F401
        import tensorboard  # noqa: F401
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtraError("training", "boxable[train]") from None
    from boxable.training.execute import execute

    options = Options(
        Path(data), None if start is None else os.fspath(start), Path(out), name, None if val is None else Path(val),
        train, keep, recipe, annotations, minutes, steps, batch_size, accumulate, eql, seed, workers, resume, log,
    )  # fmt: skip
    return execute(options)
