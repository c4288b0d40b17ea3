"""Write docs/found.jpg, the image of the README: python docs/found.py."""

from pathlib import Path

from PIL import Image

import boxable

DOCS = Path(__file__).parent
HEIGHT, GAP, QUALITY = 400, 12, 88


def found() -> Image.Image:
    """Draw what ssd23 finds in two of the example images, side by side."""
    detector = boxable.load("ssd23")
    drawn = []
    for name in ("chelsea", "coffee"):
        image = Image.open(DOCS.parent / "examples" / f"{name}.png").convert("RGB")
        shown = image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS)
        drawn.append(detector(image).draw(shown, line_width=4, text_size=30))
    sheet = Image.new("RGB", (sum(image.width for image in drawn) + GAP, HEIGHT), "white")
    sheet.paste(drawn[0], (0, 0))
    sheet.paste(drawn[1], (drawn[0].width + GAP, 0))
    return sheet


if __name__ == "__main__":
    found().save(DOCS / "found.jpg", quality=QUALITY)
