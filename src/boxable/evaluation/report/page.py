"""The report as one HTML page that needs nothing else: no network, no other file."""

import base64
import hashlib
import json
import re
from importlib import resources
from typing import Any

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
        "style_hash": _hash(style),
        "script": script,
        "script_hash": _hash(script),
        "content": json.dumps(content, allow_nan=False).translate(_UNSAFE),
    }
    return re.sub(r"{{(\w+)}}", lambda match: parts[match[1]], _template("page.html"))


def _template(name: str) -> str:
    return resources.files("boxable.evaluation.report").joinpath("template", name).read_text("utf-8")


def _hash(text: str) -> str:
    """As a content security policy names what may be used."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
