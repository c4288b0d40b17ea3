"""Write the report beside the run."""

from pathlib import Path

from boxable.evaluation.report.content import content
from boxable.evaluation.report.markdown import markdown
from boxable.evaluation.report.page import page
from boxable.files import write_atomically
from boxable.metrics.evaluate import Evaluation
from boxable.vocabulary.selection import Selection

PAGE, TEXT = "report.html", "report.md"


def write_report(
    evaluation: Evaluation, folder: Path, title: str, image_files: dict[str, Path], show: Selection | None
) -> None:
    """Write report.html and report.md; see `content` for the last two."""
    images = set(evaluation.data.images)
    image_files = {image: path for image, path in image_files.items() if image in images}
    shown = content(evaluation, title, image_files, show)
    write_atomically(folder / PAGE, page(shown).encode())
    write_atomically(folder / TEXT, markdown(shown).encode())
