"""How well objects keep their number: the tracker of `boxable video` on clips in which every object is known.

    python benchmarks/tracking.py --images DIR --out tracking.json

DIR has images with boxes in the format of Open Images (annotations-bbox.csv; default: examples/). Of each image with
objects of the model a clip is made: a hand-held camera pans and zooms over it, its exposure flickers, noise comes and
goes, and a bar passes and hides each object for a moment. A detection belongs to the object of its class that it
overlaps by an IoU of 0.5 or more.
- without a number: detections at --min-score or more that have none, of all and of those that belong to an object
- with the usual number: detections that have the number that their object has most often; neither None nor another
- switches: how often the number of an object changed, for a hundred of its detections
- numbers an object: 1 is perfect
- shared: numbers that two objects have had
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import pi, sin
from pathlib import Path

import numpy as np
from measure import Figure, arguments, figure, machine, report
from numpy.typing import NDArray
from PIL import Image

import boxable
from boxable.boxes import iou
from boxable.images.sources import expand
from boxable.video.tracking import Tracker

ROOT = Path(__file__).parent.parent
# A box with less of it in the window, or with more of it behind the bar, is not looked for.
SEEN = 0.5
# A detection of the class of an object, with this IoU, is one of it.
SAME = 0.5
# Objects whose sides are shorter than this share of the image are not looked for either.
LEAST_SIDE = 0.1

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Photo:
    """An image, its objects as ymin, xmin, ymax, xmax from 0 to 1, and their MIDs."""

    image: Image.Image
    boxes: Array
    mids: list[str]


@dataclass
class Tally:
    """Counts of all clips."""

    detections: int = 0
    nameless: int = 0
    known: int = 0
    known_nameless: int = 0
    kept: int = 0
    switches: int = 0
    objects: int = 0
    numbers: int = 0
    shared: int = 0
    # Of each object of this clip, the number of its detection in each frame in which it has one.
    seen: dict[int, list[int | None]] = field(default_factory=lambda: defaultdict(list))

    def add(self, mids: NDArray[np.str_], boxes: Array, tracks: list[int | None], truth: Array, photo: Photo) -> None:
        """Count one frame; a box of `truth` that is not looked for has no area."""
        self.detections += len(tracks)
        self.nameless += tracks.count(None)
        overlap = iou(boxes[:, None], truth[None]) * (mids[:, None] == np.array(photo.mids)[None])
        nearest = overlap.argmax(1)
        for item in range(len(photo.mids)):
            own = [row for row in np.flatnonzero(nearest == item) if overlap[row, item] >= SAME]
            if not own:
                continue
            last = self.seen[item][-1] if self.seen[item] else None
            # As CLEAR MOT has it: two boxes on one object are no switch, if one of them keeps the number.
            kept = [row for row in own if last is not None and tracks[row] == last]
            self.seen[item].append(tracks[kept[0] if kept else max(own, key=lambda row: overlap[row, item])])

    def end_clip(self) -> None:
        """Count what a whole clip shows."""
        owners: Counter[int] = Counter()
        for tracks in self.seen.values():
            numbers = [track for track in tracks if track is not None]
            counts = Counter(numbers)
            self.objects += bool(tracks)
            self.known += len(tracks)
            self.known_nameless += tracks.count(None)
            self.kept += max(counts.values(), default=0)
            self.switches += sum(a != b for a, b in pairwise(numbers))
            self.numbers += len(counts)
            owners.update(counts.keys())
        self.shared += sum(count > 1 for count in owners.values())
        self.seen.clear()

    def figures(self) -> dict[str, Figure]:
        """Make the figures of all clips."""
        return {
            "detections": figure(self.detections, ""),
            "without a number, of all": figure(100 * self.nameless / max(self.detections, 1), "%"),
            "without a number, of known objects": figure(100 * self.known_nameless / max(self.known, 1), "%"),
            "with the usual number of their object": figure(100 * self.kept / max(self.known, 1), "%"),
            "objects": figure(self.objects, ""),
            "switches for 100 detections of known objects": figure(100 * self.switches / max(self.known, 1), ""),
            "numbers an object": figure(self.numbers / max(self.objects, 1), ""),
            "numbers that two objects have had": figure(self.shared, ""),
        }


def photos(folder: Path, mids: set[str], count: int) -> Iterator[Photo]:
    """Yield the images with objects that are large enough, are single, and have one of these classes."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (folder / "annotations-bbox.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sides = [float(row[end]) - float(row[start]) for start, end in (("XMin", "XMax"), ("YMin", "YMax"))]
            if row["LabelName"] in mids and row["IsGroupOf"] != "1" and min(sides) >= LEAST_SIDE:
                rows[row["ImageID"]].append(row)
    for source in expand([folder]):
        found = rows.get(source.path.stem, []) if source.path else []
        if found and count:
            count -= 1
            boxes = [[float(row[name]) for name in ("YMin", "XMin", "YMax", "XMax")] for row in found]
            yield Photo(Image.fromarray(source.pixels()), np.array(boxes), [row["LabelName"] for row in found])


def frames(photo: Photo, count: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[np.uint8], Array]]:
    """Yield each frame and where the objects are in it; those that are not looked for have no area."""
    width, height = photo.image.size
    phase = rng.uniform(0, 2 * pi, 3)
    for number in range(count):
        turn = 2 * pi * number / count
        zoom = 0.75 + 0.1 * sin(turn + phase[0])
        center = [(1 - zoom) / 2 * (1 + 0.9 * sin(turn + at)) + rng.normal(0, 0.002) for at in phase[1:]]
        top, left = (min(max(value, 0.0), 1 - zoom) for value in center)
        window = (left * width, top * height, (left + zoom) * width, (top + zoom) * height)
        frame = photo.image.resize((480, round(480 * height / width)), Image.Resampling.BILINEAR, window)
        pixels = np.asarray(frame, np.float32) * (1 + 0.2 * sin(9 * turn)) + rng.normal(
            0, 4 + 12 * (number % 16 < 4), (frame.height, frame.width, 1)
        )
        bar = -0.2 + 1.4 * ((2 * number / count) % 1)
        covered = slice(*(round(480 * min(max(edge, 0), 1)) for edge in (bar, bar + 0.15)))
        pixels[:, covered] = 90
        truth = (photo.boxes - [top, left, top, left]) / zoom
        inside = truth.clip(0, 1)
        hidden = (inside[:, 3].clip(bar, bar + 0.15) - inside[:, 1].clip(bar, bar + 0.15)) / np.maximum(
            inside[:, 3] - inside[:, 1], 1e-9
        )
        visible = area(inside) / area(truth) * (1 - hidden) >= SEEN
        yield pixels.clip(0, 255).astype(np.uint8), inside * visible[:, None]


def area(boxes: Array) -> Array:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=ROOT / "examples", metavar="DIR")
    parser.add_argument("--count", type=int, default=60, metavar="N", help="at most so many clips (default: 60)")
    parser.add_argument("--model", default="ssd23", metavar="NAME")
    parser.add_argument("--frames", type=int, default=60, metavar="N", help="of a clip (default: 60)")
    parser.add_argument("--rate", type=float, default=12.5, metavar="FPS", help="looks a second (default: 12.5)")
    parser.add_argument("--min-score", type=float, default=0.3)
    options = parser.parse_args()
    detector = boxable.load(options.model)
    tally = Tally()
    for number, photo in enumerate(photos(options.images, {item.mid for item in detector.classes}, options.count)):
        tracker = Tracker(options.rate)
        rng = np.random.default_rng(number)
        for at, (pixels, truth) in enumerate(frames(photo, options.frames, rng)):
            found = detector(pixels, min_score=options.min_score)
            tracks = tracker.update(found, at / options.rate)
            tally.add(found.mids, found.boxes.astype(np.float64), tracks, truth, photo)
        tally.end_clip()
    about = machine(("boxable", "onnxruntime", "trackers"))
    report(tally.figures(), about | {"model": options.model, "images": str(options.images)}, options.out)


if __name__ == "__main__":
    main()
