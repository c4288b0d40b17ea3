"""Write the report of an evaluation."""

from pathlib import Path

from boxable.evaluation.report.content import content
from boxable.evaluation.report.html import html
from boxable.evaluation.report.markdown import markdown
from boxable.files import write_atomically
from boxable.metrics.evaluate import Evaluation
from boxable.vocabulary.selection import Selection

PAGE, TEXT = "report.html", "report.md"


def write_report(
    evaluation: Evaluation, folder: Path, title: str, pictures: dict[str, Path], show: Selection | None
) -> None:
    """Write report.html and report.md; see `content` for the last two."""
    images = set(evaluation.inputs.images)
    pictures = {image: path for image, path in pictures.items() if image in images}
    shown = content(evaluation, title, pictures, show)
    write_atomically(folder / PAGE, html(shown).encode())
    write_atomically(folder / TEXT, markdown(shown).encode())
