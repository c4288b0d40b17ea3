"""The report as one HTML page that needs nothing else: no network, no other file."""

import json
import re
from importlib import resources
from typing import Any

from boxable.reports.embedded import csp_hash

# In the order in which they run.
_SCRIPTS = ("base", "charts", "overview", "classes", "detail", "confusions", "sheets", "main")

# What could end the element that holds the content, as JSON may write it just as well.
_UNSAFE = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def page(content: dict[str, Any]) -> str:
    """Make the self-contained HTML page that shows this `content`."""
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
