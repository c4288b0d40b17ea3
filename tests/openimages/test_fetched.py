"""What was fetched can be used as it is."""

import threading
from pathlib import Path

import pytest

from boxable.openimages import Dataset
from boxable.openimages.fetch.fetch_folder import fetch_folder
from boxable.openimages.fetch.planning import planned
from boxable.openimages.fetch.request import Request
from boxable.openimages.split import split
from boxable.openimages.stats import stats_of
from boxable.openimages.verification import verify
from tests.openimages.official import publish, serving


def test_a_fetched_folder_is_whole_and_so_are_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = publish(40)
    with serving(files) as server:
        monkeypatch.setenv("BOXABLE_OPENIMAGES", f"{server.address}/tables")
        monkeypatch.setenv("BOXABLE_OPENIMAGES_IMAGES", f"{server.address}/images")
        with planned(tmp_path / "data", Request("validation")) as plan:
            done = fetch_folder(tmp_path / "data", plan, threading.Event())
    dataset = Dataset(tmp_path / "data")
    verification = verify(dataset)
    assert [item for item in verification.findings if item.count] == []
    assert {item.total for item in verification.findings if item.subject == "ledger.sqlite"} == {done.images, 0}
    assert len(list(dataset)) == len(dataset) == stats_of(dataset).images == done.images > 0
    assert sum(split(dataset.path, tmp_path / "parts").values()) == done.images
    for part in ("train", "validation"):
        assert verify(Dataset(tmp_path / "parts" / part)).good
    for table in ("images.parquet", "annotations-human-imagelabels.parquet"):
        (tmp_path / "data" / table).unlink()
    (finding,) = [item for item in verify(Dataset(tmp_path / "data")).findings if item.subject == "boxable-data.json"]
    assert sorted(finding.examples) == ["annotations-human-imagelabels.parquet", "images.parquet"]
