"""The documentation cannot rot: its page is the help, its snippets run, it names every option."""

import re
import runpy
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import boxable
from boxable.runtimes.measured import LARGE_SPEEDS, SPEEDS, Speeds
from boxable.settings import ProcessorKind
from tests.conftest import ROOT
from tests.video.clips import cat_clip

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
WITH_SNIPPETS = ("README.md", "docs/detecting.md", "docs/evaluation.md")
SNIPPETS = [
    pytest.param(snippet, id=f"{page}-{number}")
    for page in WITH_SNIPPETS
    for number, snippet in enumerate(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL))
]


def test_the_command_page_is_the_help_of_today() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "command.py"))["page"]()
    written = (ROOT / "docs" / "command.md").read_text("utf-8")
    assert written == page, "run: python docs/command.py"


@pytest.mark.parametrize("name", runpy.run_path(str(ROOT / "docs" / "command.py"))["all_options"]())
def test_an_option_has_one_meaning_and_one_kind_of_value_in_all_verbs(name: str) -> None:
    page = runpy.run_path(str(ROOT / "docs" / "command.py"))
    uses = page["all_options"]()[name]
    assert len({use.value for use in uses}) == 1, uses
    assert page["meaning"](name, uses)


def test_the_python_page_has_the_signatures_and_docstrings_of_today() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "python.py"))["page"]()
    assert (ROOT / "docs" / "python.md").read_text("utf-8") == page, "run: python docs/python.py"
    for name in set(boxable.__all__) - {"__version__"}:
        assert f"## boxable.{name}\n" in page or f"`boxable.{name}`" in page


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_runs(
    snippet: str, detector: boxable.Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    cat_clip(tmp_path / "street.mp4")
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "snippet", "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#:]*)(#[^)]*)?\)", page.read_text("utf-8")):
        path = page.parent / target if target else page
        assert path.exists(), target
        if heading:
            assert heading[1:] in headings(path), f"{target}{heading}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tests_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"\btests/[\w/]+(?:\.\w+)?", page.read_text("utf-8"))
    assert [name for name in named if "/x/" not in name and not (ROOT / name).exists()] == []


def headings(page: Path) -> set[str]:
    """The anchors of a Markdown page."""
    titles = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_the_readme_tells_what_the_fallback_finds_in_the_examples(detector: boxable.Detector) -> None:
    found = [f"{item.name} {item.score:.0%}" for item in detector(ROOT / "examples" / "astronaut.png")]
    assert found == ["Person 59%", "Bottle 32%", "Person 31%"]
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert (
        "the astronaut only 59 %, and takes the rocket for a bottle (32 %) and the helmet for a person (31 %)" in text
    )


def test_the_image_of_the_readme_is_drawn_as_today(ssd23_weights: Path) -> None:
    drawn = runpy.run_path(str(ROOT / "docs" / "found.py"))["found"]()
    with Image.open(ROOT / "docs" / "found.jpg") as shown:
        assert shown.size == drawn.size, "run: python docs/found.py"
        difference = np.abs(np.asarray(shown).astype(int) - np.asarray(drawn)).mean()
    assert difference < 4, "run: python docs/found.py"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) < 1100


def test_the_map_names_every_floor() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for path in (ROOT / "src" / "boxable").iterdir():
        if path.name not in ("__init__.py", "__main__.py", "__pycache__", "py.typed"):
            assert f"`{path.name}{'/' if path.is_dir() else ''}`" in text, path.name


def test_the_readme_of_the_examples_names_every_image() -> None:
    text = (ROOT / "examples" / "README.md").read_text("utf-8")
    for image in (ROOT / "examples").glob("*.png"):
        assert f"`{image.name}`" in text


def test_the_files_that_the_map_names_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = {path for path in re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.py)`", text) if "/x/" not in path}
    assert len(named) > 15
    assert [path for path in sorted(named) if not (ROOT / "src" / "boxable" / path).exists()] == []


@pytest.mark.parametrize("by_kind", [SPEEDS, LARGE_SPEEDS], ids=["small", "large"])
def test_the_page_on_speed_has_the_speeds_that_decide_what_is_fastest(
    by_kind: Mapping[ProcessorKind, Speeds],
) -> None:
    choices = dict.fromkeys(choice for speeds in by_kind.values() for choice in speeds)
    rows = [
        f"| {name} {precision} | {' | '.join(_times(speeds.get((name, precision))) for speeds in by_kind.values())} |"
        for name, precision in sorted(choices, key=lambda choice: (choice[1], choice[0]))
    ]
    table = "\n".join([f"| | {' | '.join(by_kind)} |", f"|---{'|---' * len(by_kind)}|", *rows])
    assert table in (ROOT / "docs" / "speed.md").read_text("utf-8")


def _times(speed: float | None) -> str:
    return "" if speed is None else f"{speed:.2f}"


@pytest.mark.parametrize(("classes", "by_kind"), [(23, SPEEDS), (601, LARGE_SPEEDS)])
@pytest.mark.parametrize("kind", ["AMX", "AVX2"])
def test_these_speeds_are_those_of_the_tables_of_the_page(
    classes: int, by_kind: Mapping[ProcessorKind, Speeds], kind: ProcessorKind
) -> None:
    page = (ROOT / "docs" / "speed.md").read_text("utf-8")
    part = page.partition(f"<!-- networks {kind} -->")[2].partition("<!-- end")[0]
    header, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if "|" in line]
    names = {"ONNX Runtime": "onnxruntime", "OpenVINO": "openvino", "LiteRT": "litert"}
    found = {
        (names[title], row[0].split(", ")[1]): float(cell)
        for row in rows
        if row[0].startswith(f"{classes} classes")
        for title, cell in zip(header, row, strict=True)
        if title in names and cell
    }
    for choice, speed in by_kind[kind].items():
        if choice[1] != "bf16":  # measured in another run
            assert speed == pytest.approx(found["onnxruntime", "fp32"] / found[choice], abs=0.02), choice
