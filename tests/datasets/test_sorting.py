"""Sorting of columns on disk."""

from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from boxable.datasets import sorting
from boxable.datasets.sorting import Spool, StringNumbers, starts_of


@pytest.mark.parametrize("waiting", [0, 3, 1 << 20])
def test_strings_of_all_batches_get_one_rank_each(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "_WAITING", waiting)
    batches = [["b", "a", "b"], ["c", "a"], ["é", "a", "", "b"]]
    strings = StringNumbers()
    codes = np.concatenate([strings.of(pa.array(batch)) for batch in batches])
    rank, names = strings.sorted()
    assert names.to_pylist() == ["", "a", "b", "c", "é"]
    assert names.take(pa.array(rank[codes])).to_pylist() == [*chain(*batches)]


def test_values_of_a_dictionary_that_no_row_has_are_dropped() -> None:
    strings = StringNumbers()
    strings.of(pa.array(["a", "x", "b"]).dictionary_encode().take(pa.array([2, 0])))
    assert strings.sorted()[1].to_pylist() == ["a", "b"]


@pytest.mark.parametrize("chunk", [1, 2, 1 << 18])
def test_columns_are_sorted_by_code_and_equal_codes_keep_their_order(
    tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorting, "_CHUNK", chunk)
    with Spool(tmp_path / "rows", {"label": (np.int32, 1), "box": (np.float32, 2)}) as spool:
        spool.add(np.int32([2, 0]), label=np.int32([0, 1]), box=np.float64([[1, 2], [3, 4]]))
        spool.add(np.int32([2, 1]), label=np.int32([1, 0]), box=np.float64([[5, 6], [7, 1e300]]))
        found = spool.sorted_by(spool.column("code"), {"label": np.int32([10, 11])})
    assert found["label"].tolist() == [11, 10, 10, 11]
    assert found["box"].tolist() == [[3, 4], [7, np.inf], [1, 2], [5, 6]]


def test_a_spool_without_rows_is_empty(tmp_path: Path) -> None:
    with Spool(tmp_path / "rows", {"box": (np.float32, 2)}) as spool:
        assert spool.sorted_by(spool.column("code"), {})["box"].shape == (0, 2)


def test_starts_of_codes_without_rows_are_those_of_the_next() -> None:
    assert starts_of(np.int32([3, 1, 1]), 5).tolist() == [0, 0, 2, 2, 3, 3]
