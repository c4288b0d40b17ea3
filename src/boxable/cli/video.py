"""`boxable video`: find objects in a video."""

import sys
from pathlib import Path
from typing import Any

import click

from boxable.cli.interrupt import polite_interrupt
from boxable.cli.options import PathArgument, classes_option, min_score_option, model_option, running_options


@click.command()
@click.argument("source")
@model_option
@classes_option
@min_score_option
@click.option(
    "--every", metavar="N", type=click.IntRange(min=1), default=1, show_default=True, help="Process each Nth frame."
)
@click.option(
    "--out",
    metavar="PATH",
    type=PathArgument(dir_okay=False),
    help="Write the annotated video here, every frame of it and without its sound.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["jsonl", "csv"], case_sensitive=False),
    help="A line a frame, or a row a detection.  [default: a summary on a terminal, else jsonl]",
)
@click.option("--track", is_flag=True, help="Follow objects from frame to frame; needs boxable[track].")
@click.option("--max-frames", metavar="N", type=click.IntRange(min=1), help="Stop after so many processed frames.")
@click.option("--reconnect", is_flag=True, help="Open a live source again whenever it ends or breaks off.")
@running_options
def video(
    source: str,
    model: str | None,
    classes: str | None,
    min_score: float,
    every: int,
    out: Path | None,
    format_: str | None,
    track: bool,
    max_frames: int | None,
    reconnect: bool,
    **running: Any,
) -> int:
    """Find objects in a video file, of a camera or in a stream.

    SOURCE is a file, a camera (0, or /dev/video0), or an address: rtsp://, rtmp://, http://, https://, udp://,
    rtp://, tcp://, or srt:// where the FFmpeg of PyAV has it.

    A line of JSON for each frame goes to stdout: its number from 0, its time in seconds after the first, and
    the detections as `boxable detect` gives them; boxes are in the upright frame. With --track each has the
    number of its object, from its first frame on; null if it scores less than 0.3 and continues no object. On
    a terminal there is no JSON without --format, but the progress and a summary.

    A file is read to its end. Of a camera or stream only the newest frame is taken, so that results never lag
    behind; frame numbers then leave gaps. --out shows the last boxes in the frames between two processed ones.
    --reconnect waits 1 second before the first attempt, and twice as long before each next, up to 30.

    Exit codes: 0 all done; 1 the video cannot be read, is damaged or broke off, and what came before is done;
    2 wrong usage; 130 stopped by Ctrl-C, with what is done as complete results and a playable FILE.mp4.

    \b
    Example: boxable video street.mp4 --out found.mp4
             boxable video street.mp4 --every 5 --track --classes Vehicle
             boxable video 0 --max-frames 100
             boxable video rtsp://camera/stream --reconnect --format csv
    """
    from boxable.video.detect_in_video import detect_in_video

    if out is not None and out.suffix.lower() != ".mp4":
        raise click.UsageError(f"--out {out}: expected a name that ends in .mp4.")
    printed = format_ or (None if sys.stdout.isatty() else "jsonl")
    with polite_interrupt() as stop:
        return detect_in_video(
            source, stop, out=out, format_=printed, every=every, track=track, max_frames=max_frames,
            reconnect=reconnect,
            opening={"model": model, "classes": classes, **running}, min_score=min_score,
        )  # fmt: skip
