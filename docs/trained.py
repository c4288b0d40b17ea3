"""Write docs/trained.jpg and docs/training.png, the pictures of training.md: python docs/trained.py RUN IMAGE IMAGE.

RUN is the folder of a run of `boxable train`; the images are drawn with what its best model finds in them.
"""

import sys
from pathlib import Path
from shutil import copyfile

from PIL import Image

import boxable
from boxable.training.curves import CURVES

DOCS = Path(__file__).parent
HEIGHT, GAP, QUALITY = 400, 12, 85


def trained(run: Path, images: list[Path]) -> Image.Image:
    """Draw what the model of a run finds in images, side by side."""
    detector = boxable.load(run)
    drawn = []
    for path in images:
        image = Image.open(path).convert("RGB")
        shown = image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS)
        drawn.append(detector(image).draw(shown, line_width=2, text_size=14))
    sheet = Image.new("RGB", (sum(image.width for image in drawn) + GAP * (len(drawn) - 1), HEIGHT), "white")
    place = 0
    for image in drawn:
        sheet.paste(image, (place, 0))
        place += image.width + GAP
    return sheet


if __name__ == "__main__":
    folder, *files = map(Path, sys.argv[1:])
    trained(folder, files).save(DOCS / "trained.jpg", quality=QUALITY)
    copyfile(folder / CURVES, DOCS / "training.png")
