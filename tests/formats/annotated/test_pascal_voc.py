"""Pascal VOC annotations: corners, sizes, polygons, parts, and files that are none."""

from pathlib import Path

import numpy as np
import pytest

from boxable.errors import ArgumentError
from boxable.formats.annotated import pascal_voc, pascal_voc_writing
from boxable.formats.annotated.image import AnnotatedImage, AnnotatedSet
from boxable.vocabulary import ClassList
from tests.formats.annotated.sets import HEIGHT, PICTURE, WIDTH, by_id, write_files

SIZE = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"


def corners(xmin: object, ymin: object, xmax: object, ymax: object) -> str:
    return f"<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin><xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox>"


def thing(inside: str, name: str = "cat") -> str:
    return f"<object><name>{name}</name>{inside}</object>"


def xml(*objects: str, filename: str = "a.jpg", size: str = SIZE, source: str = "") -> str:
    origin = f"<source><annotation>{source}</annotation></source>" if source else ""
    return f"<annotation><filename>{filename}</filename>{origin}{size}{''.join(objects)}</annotation>"


def read(folder: Path, *annotations: str | bytes) -> AnnotatedSet:
    files: dict[str, str | bytes] = {"JPEGImages/a.jpg": PICTURE}
    files |= {f"Annotations/{name}.xml": content for name, content in zip("abc", annotations, strict=False)}
    return pascal_voc.read(write_files(folder, files))


def boxes(found: AnnotatedSet, name: str = "a") -> list[list[float]]:
    """In pixels: ymin, xmin, ymax, xmax."""
    sides: list[list[float]] = (by_id(found)[name].box * [HEIGHT, WIDTH, HEIGHT, WIDTH]).round(9).tolist()
    return sides


def test_corners_count_from_one(tmp_path: Path) -> None:
    assert boxes(read(tmp_path, xml(thing(corners(1, 1, 16, 8)), thing(corners("3", "2.0", " 4 ", 2))))) == [
        [0, 0, 8, 16], [1, 2, 2, 4],
    ]  # fmt: skip


@pytest.mark.parametrize("other", [corners(0, 1, 9, 8), corners(2, 2, 9.5, 8), corners(-1, 2, 9, 8)])
@pytest.mark.parametrize("same_file", [True, False])
def test_a_set_with_a_corner_that_vocs_own_rule_does_not_have_counts_from_zero(
    tmp_path: Path, other: str, same_file: bool
) -> None:
    objects = [thing(corners(1, 2, 9, 8)), thing(other)]
    files = [xml(*objects)] if same_file else [xml(objects[0]), xml(objects[1], filename="b.jpg")]
    assert boxes(read(tmp_path, *files))[0] == [2, 1, 8, 9]


@pytest.mark.parametrize(("xmax", "left"), [("9.5", 0), ("9", 0)])
def test_files_of_voc_itself_have_fractions_and_count_from_one(tmp_path: Path, xmax: str, left: float) -> None:
    assert boxes(read(tmp_path, xml(thing(corners(1, 2, xmax, 8)), source="PASCAL VOC2012")))[0][:2] == [1, left]


def test_a_copied_source_does_not_hide_a_zero(tmp_path: Path) -> None:
    assert boxes(read(tmp_path, xml(thing(corners(0, 2, 9, 8)), source="PASCAL VOC2007"))) == [[2, 0, 8, 9]]


def test_what_is_written_is_read_from_one_even_beyond_the_picture(tmp_path: Path) -> None:
    sides = np.array([[-1, 0, 8, 16], [2, 3, 4, 5]]) / [HEIGHT, WIDTH, HEIGHT, WIDTH]
    image = AnnotatedImage("a", ["/m/01yrx"] * 2, sides, file=PICTURE, split="train")
    images = AnnotatedSet(ClassList.from_names(["Cat"]), iter([image]), splits=("train",))
    pascal_voc_writing.write(images, tmp_path, "copy")
    found = pascal_voc.read(tmp_path)
    assert (found.splits, boxes(found)) == (("train",), [[-1, 0, 8, 16], [2, 3, 4, 5]])
    assert (tmp_path / "ImageSets" / "Main" / "train.txt").read_text() == "a\n"


@pytest.mark.parametrize(
    "size", ["", "<size/>", "<size><width>0</width><height>0</height></size>", "<size><width>16</width></size>"]
)
def test_a_size_that_is_missing_is_that_of_the_image(tmp_path: Path, size: str) -> None:
    found = read(tmp_path, xml(thing(corners(1, 1, 8, 8)), size=size))
    assert by_id(found)["a"].box.tolist() == [[0, 0, 1, 0.5]]


def test_an_image_of_unknown_size_is_counted(tmp_path: Path) -> None:
    found = read(tmp_path, xml(), xml(thing(corners(1, 1, 8, 8)), size=""))
    assert list(by_id(found)) == ["a"]
    assert found.notes("warning") == ["1 image of unknown size, without a file that tells it (b): dropped"]


@pytest.mark.parametrize(
    "polygon",
    [
        "<polygon><x1>1</x1><y1>2</y1><x2>9</x2><y2>3</y2><x3>5</x3><y3>8</y3></polygon>",
        "<polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>8</y></pt></polygon>",
        corners(1, 2, 9, 8) + "<polygon><x1>0</x1><y1>0</y1></polygon>",
    ],
)
def test_the_box_of_a_polygon_is_around_its_points(tmp_path: Path, polygon: str) -> None:
    assert boxes(read(tmp_path, xml(thing(polygon)))) == [[1, 0, 8, 9]]


@pytest.mark.parametrize("inside", ["", "<bndbox/>", "<polygon/>", "<bndbox><xmin>1</xmin></bndbox>"])
def test_an_object_without_a_box_is_counted(tmp_path: Path, inside: str) -> None:
    found = read(tmp_path, xml(thing(inside), thing(corners(1, 1, 2, 2))))
    assert boxes(found) == [[0, 0, 2, 2]]
    assert [finding.count for finding in found.findings.values()] == [1]


def test_parts_and_attributes_of_an_object_are_not_it(tmp_path: Path) -> None:
    inside = (
        corners(1, 1, 8, 8)
        + f"<part><name>head</name>{corners(2, 2, 3, 3)}</part>"
        + "<attributes><attribute><name>difficult</name><value>1</value></attribute></attributes>"
        + "<occluded>1</occluded><difficult>0</difficult><truncated>Unspecified</truncated>"
    )
    found = read(tmp_path, xml(thing(inside)))
    image = by_id(found)["a"]
    assert image.labels == ["/m/01yrx"]
    assert boxes(read(tmp_path, xml(thing(inside)))) == [[0, 0, 8, 8]]
    flags = {name: values.tolist() for name, values in image.flags.items()}
    assert flags == {"IsOccluded": [1], "IsDifficult": [0], "IsTruncated": [-1]}
    assert found.notes() == ["1 part of objects: dropped"]


def test_other_xml_is_counted(tmp_path: Path) -> None:
    found = read(tmp_path, xml(), "<annotations><image/></annotations>")
    assert list(by_id(found)) == ["a"]
    assert found.notes() == ["1 XML file without an annotation of Pascal VOC (Annotations/b.xml): skipped"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<annotation>", r"a\.xml: no XML that can be read .*Pascal VOC"),
        (b"<?xml version='1.0' encoding='nonsense'?><annotation/>", r"a\.xml: no XML"),
        (b"\xff\xfe<", r"a\.xml: no XML"),
        (xml(thing(corners(1, 1, 2, 2), name=" ")), r"a\.xml, object 1: an object without <name>.*Pascal VOC"),
        (xml(thing(""), thing(corners("1,5", 1, 2, 2))), r"a\.xml, object 2: <bndbox/xmin> is '1,5'.*Pascal VOC"),
        (xml(size="<size><width>x</width></size>"), r"a\.xml: <size/width> is 'x'"),
        ("<other/>", "no .xml of Pascal VOC in this folder"),
    ],
)
def test_what_cannot_be_read_names_the_file_and_the_object(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        by_id(read(tmp_path, content))
