"""The index of a data folder."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import filelock
import numpy as np
import pytest

from boxable.errors import ArgumentError, BoxableError
from boxable.openimages import Dataset
from tests.openimages.folders import CAT, DOG, PERSON, box_row, copy_image_file, write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        box_row("b", DOG, flags="1,0,-1,0,1"), box_row("a", CAT, (0, 0, 1, 1)),
        box_row("b", "user/yeti"), box_row("b", PERSON),
    ]  # fmt: skip
    labels = [
        f"b,verification,{CAT},0",
        f"c,verification,{DOG},1",
        f"b,verification,{DOG},1",
        f"b,machine,{PERSON},0.7",
    ]
    made = write_folder(tmp_path / "set", rows, labels=labels, images=["d,36,24,", "a,36,24,0.0"])
    for image in "abd":
        copy_image_file(made, image)
    return made


class TestIndex:
    def test_it_is_made_once(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, "boxable"):
            Dataset(folder), Dataset(folder)
        assert [record.message for record in caplog.records] == [f"indexing {folder}, once"]

    def test_it_is_made_anew_when_a_table_changes_and_the_old_one_goes(self, folder: Path) -> None:
        Dataset(folder)
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        assert len(Dataset(folder)) == 5
        (own,) = (Path(os.environ["BOXABLE_HOME"]) / "data").iterdir()
        assert len([path for path in own.iterdir() if path.is_dir()]) == 1

    def test_it_is_made_anew_when_a_table_changes_and_keeps_its_size(self, folder: Path) -> None:
        table = folder / "annotations-bbox.csv"
        assert Dataset(folder).targets("a").mids == (CAT,)
        before = table.stat()
        table.write_text(table.read_text().replace(CAT, "/m/04rky"))
        os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
        assert table.stat().st_size == before.st_size
        assert Dataset(folder).targets("a").mids != (CAT,)

    def test_it_is_made_anew_when_a_table_changes_and_keeps_its_time(self, folder: Path) -> None:
        Dataset(folder)
        table = folder / "annotations-bbox.csv"
        before = table.stat()
        table.write_text(table.read_text() + box_row("e") + "\n")
        os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert len(Dataset(folder)) == 5

    def test_processes_that_open_it_together_make_it_once(self, folder: Path) -> None:
        Dataset(folder)
        (lock,) = Path(os.environ["BOXABLE_HOME"]).rglob(".lock")
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        code = """
import logging, sys
from boxable.openimages import Dataset
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
print("ready", flush=True)
print(len(Dataset(sys.argv[1])))
"""
        command = [sys.executable, "-c", code, folder]
        with filelock.FileLock(lock):
            running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
            assert [process.stdout.readline() for process in running if process.stdout] == ["ready\n"] * 3
            time.sleep(0.5)  # for all of them to wait for the lock
            assert all(process.poll() is None for process in running)
        said = [process.communicate()[0] for process in running]
        assert [text.splitlines()[-1] for text in said] == ["5"] * 3
        assert "".join(said).count("indexing") == 1

    def test_the_lock_stays_where_it_is_however_old(self, folder: Path) -> None:
        Dataset(folder)
        (lock,) = Path(os.environ["BOXABLE_HOME"]).rglob(".lock")
        os.utime(lock, (0, 0))
        before = lock.stat().st_ino
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        Dataset(folder)
        assert lock.stat().st_ino == before

    def test_what_a_killed_process_left_goes(self, folder: Path) -> None:
        Dataset(folder)
        (own,) = (Path(os.environ["BOXABLE_HOME"]) / "data").iterdir()
        (own / ".making-old").mkdir()
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        Dataset(folder)
        assert {path.name for path in own.iterdir() if path.name.startswith(".")} == {".lock"}

    @pytest.mark.parametrize("name", ["boxes", "images", "labels", "starts", "mids"])
    @pytest.mark.parametrize("content", [b"no Arrow file", b"", None])
    def test_a_damaged_one_is_made_again(
        self, folder: Path, name: str, content: bytes | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        Dataset(folder)
        (path,) = Path(os.environ["BOXABLE_HOME"]).rglob(f"{name}.arrow")
        path.unlink() if content is None else path.write_bytes(content)
        assert Dataset(folder).targets("b").mids == (DOG, "user/yeti", PERSON)
        assert "damaged" in caplog.text

    @pytest.mark.parametrize("noted", ["[]", "{}", "no JSON", '{"images.arrow": [1]}'])
    def test_one_whose_lengths_are_not_noted_is_made_again(
        self, folder: Path, noted: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        Dataset(folder)
        (path,) = Path(os.environ["BOXABLE_HOME"]).rglob("written.json")
        path.write_text(noted)
        assert len(Dataset(folder)) == 4
        assert "damaged" in caplog.text

    def test_one_with_a_file_of_another_length_is_made_again(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        Dataset(folder)
        (path,) = Path(os.environ["BOXABLE_HOME"]).rglob("boxes.arrow")
        path.write_bytes(bytes(8) + path.read_bytes())
        assert Dataset(folder).targets("b").mids == (DOG, "user/yeti", PERSON)
        assert "boxes.arrow: expected" in caplog.text

    def test_nothing_is_left_of_one_that_could_not_be_made(self, folder: Path) -> None:
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + "x,xclick,/m/01yrx,1,left,0,0,0,0,0,0,0,0\n")
        with pytest.raises(ArgumentError, match="column XMin"):
            Dataset(folder)
        assert [path.name for path in Path(os.environ["BOXABLE_HOME"]).rglob("*") if path.is_file()] == [".lock"]

    def test_a_home_that_cannot_be_written_is_told(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BOXABLE_HOME", str(folder / "classes.csv"))
        with pytest.raises(BoxableError, match="cannot write"):
            Dataset(folder)

    def test_one_in_a_home_that_can_only_be_read_is_used_and_a_missing_one_is_told(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Dataset(folder)

        def refuse(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
        assert len(Dataset(folder)) == 4
        table = folder / "annotations-bbox.csv"
        table.write_text(table.read_text() + box_row("e") + "\n")
        with pytest.raises(BoxableError, match=r"cannot write .*Permission denied"):
            Dataset(folder)

    def test_of_several_rows_of_an_image_the_first_counts(self, tmp_path: Path) -> None:
        folder = write_folder(
            tmp_path / "set", [box_row("a", CAT, (0, 0, 0.5, 0.5))], images=["a,36,24,90", "b,1,1,0", "a,3,2,180"]
        )
        index = Dataset(folder).index
        assert (index.width.tolist(), index.height.tolist(), index.rotation.tolist()) == ([36, 1], [24, 1], [90, 0])

    def test_many_rows_out_of_order_are_put_in_order(self, tmp_path: Path) -> None:
        random = np.random.default_rng(0)
        images = random.integers(0, 500, 4000)
        mids = random.choice([CAT, DOG, "user/yeti", "user/new"], 4000)
        rows = [
            box_row(f"{image:x}", mid, (0, 0, 1, number / 4000))
            for number, (image, mid) in enumerate(zip(images, mids, strict=True))
        ]
        dataset = Dataset(write_folder(tmp_path / "set", rows))
        assert len(dataset) == len(set(images.tolist()))
        for image in set(images.tolist()):
            own = np.flatnonzero(images == image)
            targets = dataset.targets(f"{image:x}")
            assert targets.mids == tuple(mids[own].tolist())
            np.testing.assert_allclose(targets.boxes[:, 3], own / 4000, rtol=1e-6)
