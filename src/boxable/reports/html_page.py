"""The frame of HTML reports: one self-contained file."""

from collections.abc import Sequence
from html import escape
from importlib import resources

from boxable.reports.embedded import csp_hash


def page(title: str, body: str) -> str:
    """Format a page: `title` is text, `body` HTML without scripts."""
    style = resources.files("boxable.reports").joinpath("page.css").read_text("utf-8")
    policy = f"default-src 'none'; img-src data:; style-src '{csp_hash(style)}'"
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{style}</style>\n<h1>{text(title)}</h1>\n{body}\n</html>\n"
    )


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Format names with their values as a list."""
    return f"<dl>{''.join(f'<dt>{text(name)}</dt><dd>{text(value)}</dd>' for name, value in rows)}</dl>"


def side_by_side(caption: str, images: Sequence[tuple[str, str]]) -> str:
    """Format a figure of images in a row, each given as its name and a data URL."""
    shown = "".join(f'<div><img src="{url}" alt="{text(name)}">{text(name)}</div>' for name, url in images)
    return f'<figure class="row"><div>{shown}</div><figcaption>{text(caption)}</figcaption></figure>'


def bars(title: str, rows: Sequence[tuple[str, int]]) -> str:
    """Format a bar chart of names and counts."""
    most = max((count for _, count in rows), default=0) or 1
    lines = "".join(
        f'<span>{text(name)}</span><svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * count / most:.2f}" height="14"/></svg><span>{count:,}</span>'
        for name, count in rows
    )
    return f'<section><h2>{text(title)}</h2><div class="plot">{lines}</div></section>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table; its first column is text, the others are numbers."""
    head = "".join(f"<th>{text(cell)}</th>" for cell in heads)
    lines = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def text(value: str) -> str:
    """Escape text for HTML; invalid Unicode and control characters are replaced."""
    plain = value.encode("utf-8", "replace").decode()
    return escape("".join(char if char.isprintable() else " " for char in plain))
