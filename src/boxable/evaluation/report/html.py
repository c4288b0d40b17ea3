"""The report as one HTML page that loads no other file."""

import json
import re
from importlib import resources
from typing import Any

from boxable.reports.embedded import csp_hash

# In the order of execution.
_SCRIPTS = ("base", "charts", "overview", "classes", "detail", "confusions", "sheets", "main")

# Characters that could end the element of the content, as JSON escapes.
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def html(content: dict[str, Any]) -> str:
    """Render a report's content as a page with style, scripts and data inside it."""
    style = _template("page.css")
    script = "".join(_template(f"{name}.js") for name in _SCRIPTS)
    parts = {
        "style": style,
        "style_hash": csp_hash(style),
        "script": script,
        "script_hash": csp_hash(script),
        "content": json.dumps(content, allow_nan=False).translate(_UNSAFE),
    }
    return re.sub(r"{{(\w+)}}", lambda match: parts[match[1]], _template("page.html"))


def _template(name: str) -> str:
    return resources.files("boxable.evaluation.report").joinpath("template", name).read_text("utf-8")
