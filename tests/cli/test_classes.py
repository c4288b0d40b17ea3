"""`boxable classes`."""

import pytest

from boxable.vocabulary import open_images
from tests.cli.conftest import Invoke
from tests.conftest import Command


def test_piped_output_is_one_tab_separated_line_a_class(command: Command) -> None:
    result = command("classes")
    assert (result.stderr, result.returncode) == (b"", 0)
    rows = [line.split("\t") for line in result.stdout.decode().splitlines()]
    assert [row[:3] for row in rows] == [[str(item.label_id), item.mid, item.name] for item in open_images()]
    parents = {row[2]: row[3] for row in rows}
    assert (parents["Man"], parents["Person"]) == ("Person", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["Person,-Man"], ["51", "69", "228", "333"]),
        (["122"], ["122"]),
        (["/m/01yrx"], ["122"]),
        (["Vehicle:self"], ["404"]),
        (["human f"], ["214", "502"]),
        (["Animal", "--model", "ssd23"], ["115", "122", "446"]),
        (["--model", "ssd23", "--", "-Animal,-Vehicle,-Furniture,-Person,-Clothing"],
         ["55", "128", "135", "136", "171", "179", "243", "286", "447", "499"]),
    ],
)  # fmt: skip
def test_a_query_selects_or_searches(invoke: Invoke, arguments: list[str], expected: list[str]) -> None:
    assert sorted(line.split("\t")[0] for line in invoke("classes", *arguments).lines) == sorted(expected)


@pytest.mark.parametrize(("model", "number"), [("ssd23", 23), ("ssd601", 601)])
def test_without_a_query_a_model_lists_what_it_can_name(invoke: Invoke, model: str, number: int) -> None:
    assert len(invoke("classes", "--model", model).lines) == number


def test_a_note_says_when_names_were_searched(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    for query, notes in (("Dragonfly", []), ("Dragon", ["'dragon' is no class; these names contain it"])):
        assert [line.split("\t")[2] for line in invoke("classes", query).lines] == ["Dragonfly"]
        assert caplog.messages == notes


def test_the_tree_indents_kinds_below_what_they_are_kinds_of(invoke: Invoke) -> None:
    found = invoke("classes", "Person,Cat", "--tree").lines
    assert sorted(found) == ["    Boy", "    Girl", "    Man", "    Woman", "Cat", "Person"]
    assert found.index("Person") + 1 == min(number for number, line in enumerate(found) if line.startswith(" "))


def test_the_whole_tree_shows_every_class(invoke: Invoke) -> None:
    assert {line.strip() for line in invoke("classes", "--tree").lines} == {item.name for item in open_images()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Vehicel"], "boxable: unknown class 'Vehicel': did you mean Vehicle"),
        (
            ["Zebra", "--model", "ssd23"],
            "boxable: ssd23 has no class 'Zebra'; ssd601 has it: boxable models pull ssd601",
        ),
        (["Zebrra", "--model", "ssd601"], "boxable: ssd601 has no class 'Zebrra': did you mean Zebra?"),
        (
            ["qqqqqq", "--model", "ssd23"],
            "boxable: ssd23 has no class 'qqqqqq'; `boxable classes --model ssd23` lists what it has",
        ),
        (["Cat,-Animal"], "boxable: the selection 'Cat,-Animal' leaves no class"),
        (["--model", "ssd32"], "boxable: unknown model 'ssd32': did you mean ssd23?"),
    ],
)
def test_what_cannot_be_listed_is_wrong_usage(invoke: Invoke, arguments: list[str], message: str) -> None:
    result = invoke("classes", *arguments)
    assert (result.stdout, result.code) == ("", 2)
    assert result.stderr.startswith(message)


def test_a_query_may_begin_with_a_subtraction(invoke: Invoke) -> None:
    assert len(invoke("classes", "-Rocket").lines) == 600
    assert len(invoke("classes", "-Fish", "--tree").lines) > 500
