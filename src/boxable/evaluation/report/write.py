"""Write the report beside the run."""

from pathlib import Path

from boxable.evaluation.evaluate import Evaluation
from boxable.evaluation.report.content import content
from boxable.evaluation.report.markdown import markdown
from boxable.evaluation.report.page import page
from boxable.files import write_atomically

PAGE, TEXT = "report.html", "report.md"


def write_report(evaluation: Evaluation, folder: Path, title: str, pictures: dict[str, Path], *, chosen: bool) -> None:
    """Write report.html and report.md; see `content` for the last two."""
    shown = content(evaluation, title, pictures, chosen)
    write_atomically(folder / PAGE, page(shown).encode())
    write_atomically(folder / TEXT, markdown(shown).encode())
