"""`boxable bench`: how fast a detector is on this machine."""

import json
from pathlib import Path

import click

from boxable.cli.options import PathArgument, split_names
from boxable.errors import INTERRUPTED


@click.command()
@click.argument("model", required=False)
@click.option(
    "--runtimes",
    metavar="NAMES",
    multiple=True,
    help="Runtimes to compare, as in onnxruntime,openvino.  [default: all that are installed]",
)
@click.option(
    "--precisions",
    metavar="NAMES",
    multiple=True,
    default=["fp32"],
    show_default=True,
    help="Precisions to compare, as in fp32,int8; each with each runtime.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each.  [default: one a core]")
@click.option(
    "--images",
    metavar="DIR",
    type=PathArgument(exists=True, file_okay=False),
    multiple=True,
    help="Folders of images, at most 32 of which are used; repeatable.  "
    "[default: those of --data, else synthetic images]",
)
@click.option(
    "--data",
    metavar="SET",
    type=PathArgument(),
    help="Annotated images, as `boxable evaluate` takes them: mAP beside the speed.",
)
@click.option(
    "--peers",
    metavar="NAMES",
    multiple=True,
    help="Of litert, openvino, tensorflow and ultralytics those to set beside it, or none."
    "  [default: all that are installed]",
)
@click.option(
    "--ultralytics",
    metavar="FILE",
    type=PathArgument(exists=True, dir_okay=False),
    help="Weights for Ultralytics, such as yolo11n.pt; without them it is skipped.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Interleaved rounds; each is every image twice and a folder of 32, fewer of a slow network.",
)
@click.option(
    "--out",
    "files",
    metavar="PATH",
    type=PathArgument(dir_okay=False),
    multiple=True,
    help="Write here: a .json file has the figures, an .svg file the bars of the stages; repeatable.",
)
@click.option("--save", is_flag=True, help="Save the speeds, for --runtime auto and --precision fastest.")
def bench(
    model: str | None,
    runtimes: tuple[str, ...],
    precisions: tuple[str, ...],
    threads: int | None,
    images: tuple[Path, ...],
    data: Path | None,
    peers: tuple[str, ...],
    ultralytics: Path | None,
    rounds: int,
    files: tuple[Path, ...],
    save: bool,
) -> int:
    """Measure the speed of a model on this machine, stage by stage.

    Others that are installed are measured beside it. MODEL is a name, file or folder of a training run; without it
    the 601-class network if installed, else ssd23.

    \b
    decode       JPEG file in memory to pixels
    resize       pixels to the input of the network
    network      input to raw boxes and scores
    postprocess  raw boxes and scores to detections that score at least 0.3
    end to end   all of it in one call
    images/s     of a folder of 32 files or more, from disk, with all threads

    Ways of detecting take turns, image after image in each round, so that what slows the machine slows all of them.
    Times are percentiles of all calls; images/s is that of the median round. Ctrl-C prints what is measured so far.

    LiteRT and TensorFlow run the published .tflite file, OpenVINO the float32 graph, each with Pillow before and plain
    NumPy after it, one file after the other, as people write it. The stages of Ultralytics are its own measurement.

    Exit codes: 0 done; 1 nothing can be measured; 2 wrong usage; 130 stopped by Ctrl-C.

    \b
    Example: boxable bench
             boxable bench ssd23 --precisions fp32,int8 --out speed.svg
             boxable bench ssd23 --runtimes onnxruntime,openvino --precisions fp32,int8 --save
             boxable bench ssd23 --data validation/ --peers none --out speed.json
    """
    from boxable.bench.measure import measure
    from boxable.bench.plot import svg
    from boxable.bench.summary import show
    from boxable.files import write_atomically

    for path in files:
        if path.suffix not in (".json", ".svg"):
            raise click.UsageError(f"--out {path}: expected a name that ends in .json or .svg.")
    named = split_names(peers)
    measured = measure(
        model,
        places=images,
        runtimes=split_names(runtimes) or None,
        precisions=split_names(precisions),
        threads=threads,
        peers=[] if named == ["none"] else named or None,
        ultralytics=ultralytics,
        data=data,
        rounds=rounds,
        save=save,
    )
    if measured.results:
        show(measured)
        for path in files:
            text = svg(measured) if path.suffix == ".svg" else json.dumps(measured.to_dict(), indent=1) + "\n"
            write_atomically(path, text.encode())
    return INTERRUPTED if measured.stopped else 0
