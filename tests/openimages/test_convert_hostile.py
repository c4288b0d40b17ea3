"""Sets that cannot be converted: one line that says why, and nothing left behind."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boxable.datasets import layout
from boxable.errors import ArgumentError, BoxableError, MissingExtraError
from boxable.formats.annotated.tfrecord_framing import BYTES, FLOATS, INTEGERS, Feature, example, write_record
from boxable.openimages.convert_set import convert
from tests.openimages.made import CAT, box, jpeg, rows_of, write_set


def yolo(folder: Path, line: str = "0 0.5 0.5 1 1", yaml: str = "names: [cat]") -> Path:
    (folder / "labels").mkdir(parents=True)
    (folder / "data.yaml").write_text(yaml)
    (folder / "labels" / "a.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n", "latin-1")
    return folder


def voc(folder: Path, xml: str) -> Path:
    (folder / "Annotations").mkdir(parents=True)
    (folder / "Annotations" / "a.xml").write_text(xml)
    return folder


def tfrecord(folder: Path, features: dict[str, Feature]) -> Path:
    with (folder.parent / "a.tfrecord").open("wb") as file:
        write_record(file, example(features))
    return folder.parent / "a.tfrecord"


def twins(folder: Path) -> Path:
    with (folder.parent / "a.tfrecord").open("wb") as file:
        for _ in range(2):
            write_record(file, example({"image/source_id": (BYTES, [b"1"]), "image/encoded": (BYTES, [jpeg()])}))
    return folder.parent / "a.tfrecord"


def text(folder: Path, name: str, content: str) -> Path:
    path = folder.parent / name
    path.write_text(content)
    return path


OBJECT = "<annotation><object><name>cat</name>{}</object></annotation>"
ENTITIES = '<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'
# A few hundred bytes, gigabytes when they are written out.
ALIASES = "a0: &a0 [cat]\n" + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
MERGES = "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 9))
BNDBOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
DESTS = {"openimages": "csv", "parquet": "p", "coco": "c.json", "yolo": "yolo", "voc": "voc", "tfrecord": "t"}
BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (lambda folder: folder, "no such file or folder"),
    "another file": (lambda folder: text(folder, "a.docx", "x"), "of no known format"),
    "an empty table": (lambda folder: text(folder, "a.csv", ""), "Empty CSV file"),
    "no boxes": (lambda folder: text(folder, "a.csv", "ImageID,LabelName\na,b\n"), "no column XMin"),
    "image labels": (lambda folder: text(folder, "a.csv", "ImageID,LabelName,Confidence\na,b,1\n"), "no column XMin"),
    "images": (lambda folder: text(folder, "a.csv", "ImageID,Width\na,1\n"), "no column (LabelName|XMin)"),
    "no COCO": (lambda folder: text(folder, "a.json", "{}"), "expected COCO JSON"),
    "yolo: four values": (lambda folder: yolo(folder, "0 0.5 0.5 1"), r"a\.txt, line 2: 4 values"),
    "yolo: an unknown class": (lambda folder: yolo(folder, "1 0.5 0.5 1 1"), "line 2: class '1'; .*YOLO"),
    "yolo: no number": (lambda folder: yolo(folder, "0 a 0.5 1 1"), r"a\.txt, line 2: could not convert"),
    "yolo: no text": (lambda folder: yolo(folder, "\xff"), "not text"),
    "yolo: no YAML": (lambda folder: yolo(folder, yaml="names: ["), "no YAML"),
    "yolo: no names": (lambda folder: yolo(folder, yaml="nc: 1"), "no names"),
    "yolo: odd numbers": (lambda folder: yolo(folder, yaml="names: {1.5: cat}"), "no names"),
    "yolo: the same name twice": (lambda folder: yolo(folder, yaml="names: [cat, Cat]"), "same"),
    "yolo: names that are lists": (lambda folder: yolo(folder, yaml="names: [[cat], dog]"), "no names"),
    "yolo: lists in lists": (lambda folder: yolo(folder, yaml=ALIASES + "names: [*a8]"), "no names"),
    "yolo: mappings in mappings": (lambda folder: yolo(folder, yaml=MERGES + "names: *a8"), "no names"),
    "yolo: half a sign": (lambda folder: yolo(folder, yaml=r'names: ["\ud800"]'), "not text"),
    "voc: no file": (lambda folder: voc(folder, "").parent, "no annotations in this folder"),
    "voc: no XML": (lambda folder: voc(folder, "<annotation>"), r"a\.xml: no XML"),
    "voc: entities": (lambda folder: voc(folder, ENTITIES), r"a\.xml: no XML"),
    "voc: no name": (lambda folder: voc(folder, OBJECT.replace("cat", "")), "an object without <name>"),
    "voc: no number": (
        lambda folder: voc(folder, OBJECT.format("<bndbox><xmin>x</xmin></bndbox>").replace(
            "<object>", "<size><width>9</width><height>9</height></size><object>")),
        "<bndbox/xmin> is 'x'",
    ),
    "tfrecord: empty lists": (lambda folder: tfrecord(folder, {}), "do not fit together"),
    "tfrecord: a box without its sides": (
        lambda folder: tfrecord(folder, {"image/source_id": (BYTES, [b"a"]),
                                         "image/object/class/text": (BYTES, [CAT.encode()]),
                                         "image/object/bbox/ymin": (FLOATS, [0.1, 0.2])}),
        "do not fit together",
    ),
    "tfrecord: numbers for text": (
        lambda folder: tfrecord(folder, {"image/object/class/text": (FLOATS, [0.1])}), "holds no text"
    ),
    "tfrecord: a photo that is a number": (
        lambda folder: tfrecord(folder, {"image/source_id": (BYTES, [b"a"]), "image/encoded": (INTEGERS, [1])}),
        "do not fit together",
    ),
    "tfrecord: two of a name": (twins, "two images are called '1'"),
    "tfrecord: no records": (lambda folder: text(folder, "a.tfrecord", "not at all records"), "record 0 is damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("to", "name"), DESTS.items())
@pytest.mark.parametrize(("make", "says"), BAD.values(), ids=BAD)
def test_a_bad_source_is_one_line_and_leaves_nothing(
    tmp_path: Path, make: Callable[[Path], Path], says: str, to: str, name: str
) -> None:
    (tmp_path / "in").mkdir()
    source = make(tmp_path / "in" / "set")
    out = tmp_path / "out"
    with pytest.raises(BoxableError, match=says) as caught:
        convert(source, out / name, to, shards=1)
    assert "\n" not in str(caught.value)
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(("to", "name"), [item for item in DESTS.items() if item[0] not in ("openimages", "parquet")])
def test_a_box_that_reaches_farther_than_numbers_do_is_no_box(tmp_path: Path, to: str, name: str) -> None:
    source = write_set(tmp_path / "set", [box("a"), box("a", sides=(0, 1e307, 0, 1))])
    notes = convert(source, tmp_path / name, to, shards=1)
    assert "1 box without numbers, or with exchanged sides (a): dropped" in notes


@pytest.mark.parametrize("to", ["yolo", "voc"])
def test_an_id_that_leads_elsewhere_becomes_no_file(tmp_path: Path, to: str) -> None:
    with pytest.raises(ArgumentError, match="cannot be the name"):
        convert(write_set(tmp_path / "set", [box("../a")], photos=False), tmp_path / "out", to)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


SIZE = OBJECT.replace("<object>", "<size><width>{}</width><height>9</height></size><object>").format("{}", BNDBOX)
ODD: dict[str, Callable[[Path], Path]] = {
    **{f"voc: width {width}": lambda folder, width=width: voc(folder, SIZE.format(width))
       for width in ("1e400", "1e30", "5e9", "-1", "0.5", "nan")},
    "voc: a corner far away": lambda folder: voc(folder, SIZE.format(9).replace("<ymax>9", "<ymax>1e20")),
    **{f"tfrecord: width {width}": lambda folder, width=width: tfrecord(folder, {
            "image/source_id": (BYTES, [b"a"]), "image/encoded": (BYTES, [jpeg()]),
            "image/width": (INTEGERS, [width]), "image/height": (INTEGERS, [9])})
       for width in (1 << 40, -5)},
}  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("to", "name"), DESTS.items())
@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_a_size_that_no_picture_has_is_unknown(
    tmp_path: Path, make: Callable[[Path], Path], to: str, name: str
) -> None:
    source = make(tmp_path / "set")
    if source.is_dir():
        (source / "JPEGImages").mkdir()
        (source / "JPEGImages" / "a.jpg").write_bytes(jpeg(16, 9))
    convert(source, tmp_path / name, to, shards=1)
    convert(tmp_path / name, tmp_path / "back", "parquet")
    (image,) = rows_of(tmp_path / "back" / "images.parquet")
    assert image["ImageID"] == "a"
    assert image["Width"] in (16, 9)


@pytest.mark.parametrize(("to", "name"), DESTS.items())
def test_a_photo_whose_name_is_no_text_is_an_error_that_says_so(tmp_path: Path, to: str, name: str) -> None:
    source = yolo(tmp_path / "set")
    (source / "images").mkdir()
    try:
        (source / "images" / os.fsdecode(b"\xff.jpg")).write_bytes(jpeg())
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(ArgumentError, match="not UTF-8"):
        convert(source, tmp_path / name, to, shards=1)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_source_whose_name_is_no_text_is_a_source(tmp_path: Path) -> None:
    try:
        source = yolo(tmp_path / os.fsdecode(b"\xff"))
    except OSError:
        pytest.skip("this file system has no such names")
    convert(source, tmp_path / "parquet", "parquet")
    assert layout.read_description(tmp_path / "parquet")["converted_from"] == "\ufffd"


@pytest.mark.parametrize("to", DESTS)
@pytest.mark.parametrize("dest", [".", "..", "a/.."])
def test_a_folder_without_a_name_of_its_own_is_no_destination(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, dest: str
) -> None:
    source = yolo(tmp_path / "set")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(ArgumentError, match="expected the name"):
        convert(source, Path(dest), to)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "set"]


def test_a_prefix_is_taken_as_it_is_written(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01")])
    convert(source, tmp_path / "r[1]", "tfrecord", shards=1)
    with pytest.raises(ArgumentError, match="there are shards of this name"):
        convert(source, tmp_path / "r[1]", "tfrecord", shards=1)
    convert(source, tmp_path / "r?", "tfrecord", shards=1)


def test_a_class_that_xml_cannot_hold_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="XML cannot hold"):
        convert(yolo(tmp_path / "set", yaml='names: ["a\\0b"]'), tmp_path / "voc", "voc")


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01")])
    convert(source, tmp_path / "t", "tfrecord", shards=2)
    with pytest.raises(ArgumentError, match="there are shards of this name"):
        convert(source, tmp_path / "t", "tfrecord", shards=3)
    for to in ("yolo", "parquet"):
        with pytest.raises(ArgumentError, match="is there already"):
            convert(source, source, to)
    with pytest.raises(ArgumentError, match=r"ends in \.json"):
        convert(source, tmp_path / "coco", "coco")


KILLED = """
import os, signal, sys
from pathlib import Path
from boxable.openimages import convert_set
from boxable.formats.annotated import yolo_writing
def killed(images, folder, photos):
    (folder / "labels").mkdir()
    print("there", flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
yolo_writing.write = killed
convert_set.convert(Path(sys.argv[1]), Path(sys.argv[2]), "yolo")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_what_a_killed_conversion_left_goes_with_the_next_and_a_running_one_stays(tmp_path: Path) -> None:
    source, dest = write_set(tmp_path / "set", [box("01")]), tmp_path / "out" / "set"
    command = [sys.executable, "-c", KILLED, source, dest]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.readline() == b"there\n"
        convert(source, dest, "yolo")
        (left,) = set(dest.parent.iterdir()) - {dest}
        assert (left / "whole" / "labels").is_dir()
        running.communicate()
    shutil.rmtree(dest)
    convert(source, dest, "voc")
    assert list(dest.parent.iterdir()) == [dest]


def test_a_photo_that_is_no_picture_is_no_reason_to_stop(tmp_path: Path) -> None:
    source = write_set(tmp_path / "set", [box("01"), box("02")])
    (source / "images.csv").unlink()
    (source / "images" / "02.jpg").write_bytes(b"no picture")
    notes = convert(source, tmp_path / "voc", "voc")
    assert "1 image of unknown size, without a file that tells it (02): dropped" in notes
    assert [path.name for path in (tmp_path / "voc" / "Annotations").iterdir()] == ["01.xml"]


@pytest.mark.parametrize(("package", "to"), [("pyarrow", "coco"), ("defusedxml", "voc"), ("yaml", "yolo")])
def test_a_package_that_is_missing_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, to: str
) -> None:
    source = write_set(tmp_path / "set", [box("01")])
    if to != "coco":  # to write YOLO and VOC none is needed
        convert(source, tmp_path / to, to)
        source = tmp_path / to
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'boxable\[data\]'"):
        convert(source, tmp_path / "out.json", "coco")
    assert not (tmp_path / "out.json").exists()
