"""Contents of reports, made by hand."""

from typing import Any

from boxable.evaluation.report.content import content
from tests.evaluation.made import A, B, Found, Seen, Truth, evaluated

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "<!-- <script>",
    "]]> --> {{content}} {{script}}",
    "\" ' ` \\ \\u003c $& \\1",
    "\u2028 \u2029 \x00 \x7f \ud800",
    "😀 عربى ‮ | a * b _ c",
]

WHOLE, LEFT = (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 0.45)


def small(title: str = "a small run") -> dict[str, Any]:
    """One class found, one called the other, one box missed, one class without ground truth."""
    boxes = [Truth("1", A, WHOLE), Truth("2", A, LEFT), Truth("2", B, WHOLE)]
    found = [Found("1", A, 0.9, WHOLE), Found("2", A, 0.8, WHOLE)]
    return content(evaluated(boxes, found, labels=[Seen("2", A)], resamples=20), title, {}, None)


def empty() -> dict[str, Any]:
    return content(evaluated([], []), "nothing", {}, None)


def hostile(name: str) -> dict[str, Any]:
    """As `small`, with this wherever a name, an id or a path of others comes in."""
    shown = small(name) | {"notes": [name], "not_counted": [name]}
    for item in shown["classes"]:
        item |= {"name": name, "mid": name, "parents": [name]}
    shown["confusions"] = [{"is": name, "called": name, "count": 1, "of": 2}]
    shot = {"image": name, "kind": "class", "box": WHOLE, "truth": LEFT, "score": 0.5, "is": name}
    shown["sheets"] = [{"mid": name, "name": name, "why": "chosen", "true": [], "false": [shot], "missed": []}]
    shown["photos"] = {name: {"src": "data:image/jpeg;base64,", "width": 4, "height": 3}}
    return shown
