"""How Detections show themselves in a notebook: the picture and a table."""

import base64
import html
import io
from typing import TYPE_CHECKING

from boxable.errors import BoxableError

if TYPE_CHECKING:
    from boxable.detection.detections import Detections

_ROWS = 20
_SIDE = 800


def to_html(detections: "Detections") -> str:
    """The drawn picture, if it can be had, over a table of the best detections."""
    rows = "".join(
        f"<tr><td>{html.escape(item.name)}</td><td>{item.score:.3f}</td>"
        f"<td>{', '.join(f'{value:.3f}' for value in item.box)}</td></tr>"
        for item in detections[:_ROWS]
    )
    more = f"<p>… {len(detections) - _ROWS} more</p>" if len(detections) > _ROWS else ""
    head = "<tr><th>name</th><th>score</th><th>ymin, xmin, ymax, xmax</th></tr>"
    return f"<p>{html.escape(repr(detections))}</p>{_picture(detections)}<table>{head}{rows}</table>{more}"


def _picture(detections: "Detections") -> str:
    try:
        image = detections.draw()
    except BoxableError:
        return ""
    image.thumbnail((_SIDE, _SIDE))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=88)
    return f'<img alt="detections" src="data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}">'
