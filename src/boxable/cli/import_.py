"""`boxable import`: take in a detector that another program wrote."""

from pathlib import Path

import click

from boxable.cli.options import PathArgument


@click.command("import")
@click.argument("path", type=PathArgument())
@click.option("--name", metavar="NAME", help="Install it under this name.  [default: the name of the file]")
@click.option(
    "--labels",
    metavar="FILE",
    type=PathArgument(),
    help="Its classes: label map (.pbtxt), TSV (id, MID, name), or one name a line.",
)
def import_(path: Path, name: str | None, labels: Path | None) -> None:
    """Import a network that another program wrote.

    PATH is an SSD MobileNetV2: a checkpoint, frozen graph, SavedModel, TF-Hub module, .tflite, ONNX or safetensors
    file, or a folder or .tar.gz with one of these. TensorFlow is not needed.

    PATH may be a checkpoint prefix such as model.ckpt. Under the name of a published network, such as
    google/openimages_v4/ssd/mobilenet_v2/1, it becomes that network; the 601-class one is the default model.

    \b
    Example: boxable import ssd_mobilenet_v2_oid_v4_2018_12_12.tar.gz --name ssd601
             boxable import training/model.ckpt-20000 --labels labels.pbtxt --name mine
    """
    from boxable.weights.import_model import import_model

    for line in import_model(path, name, labels):
        click.echo(line, err=True)
