"""Figures in pages of the documentation: the parts between `<!-- NAME -->` and `<!-- end of NAME -->`."""

from pathlib import Path


def table(rows: list[list[str]]) -> str:
    """Format a Markdown table; the first row is its header."""
    header, *others = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([header, "|---" * len(rows[0]) + "|", *others])


def sentence(about: dict[str, object]) -> str:
    """Describe the machine in a sentence below a table."""
    return f"{', '.join(f'{name} {value}' for name, value in about.items() if name != 'system')}."


def write_measured(page: Path, name: str, content: str, command: str, about: dict[str, object]) -> None:
    """Put what a command measured into the part of this kind of processor, and say below it how it was measured."""
    line = f"`{command}`; machine: {sentence(about)}"
    write_part(page, f"{name} {about['kind']}", f"{content}\n\n{line}")


def write_part(page: Path, name: str, content: str) -> None:
    """Put the content into its part of the page."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = page.read_text("utf-8").partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page} has no part {start.strip()} ... {end.strip()}")
    page.write_text(f"{before}{start}{content}\n{end}{after}", "utf-8")
