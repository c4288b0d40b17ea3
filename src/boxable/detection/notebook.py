"""Detections as HTML, for notebooks: the annotated image over a table."""

import html
from collections.abc import Iterable

from PIL import Image

from boxable.reports.embedded import jpeg_url

_MAX_SIDE, _QUALITY = 800, 88


def to_html(
    summary: str, rows: Iterable[tuple[str, float, Iterable[float]]], more: int, image: Image.Image | None
) -> str:
    """Format (name, score, box) rows, and how many more there are, below an image if there is one."""
    cells = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{score:.3f}</td>"
        f"<td>{', '.join(f'{value:.3f}' for value in box)}</td></tr>"
        for name, score, box in rows
    )
    rest = f"<p>… {more} more</p>" if more > 0 else ""
    head = "<tr><th>name</th><th>score</th><th>ymin, xmin, ymax, xmax</th></tr>"
    return f"<p>{html.escape(summary)}</p>{_image(image)}<table>{head}{cells}</table>{rest}"


def _image(image: Image.Image | None) -> str:
    if image is None:
        return ""
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    return f'<img alt="detections" style="max-width: 100%" src="{jpeg_url(image, _QUALITY)}">'
