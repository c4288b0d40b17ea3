"""The cache of features."""

import resource
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch

from boxable.errors import BoxableError
from boxable.training.features import MOST_BYTES, FeatureCache, bytes_of_view, views_that_fit
from boxable.training.targets import BatchTargets, ImageTargets, collate_targets

SHAPES = {"low": (3, 2, 4), "high": (5,)}


def image_targets(number: int) -> ImageTargets:
    """Of an image with as many boxes as its number."""
    return ImageTargets(
        np.full(7, number - 2, np.int16), np.full((number, 4), number / 10, np.float32), np.arange(number),
        np.ones(number, np.float32), np.array([True, number > 1]),
    )  # fmt: skip


def features(*numbers: int) -> dict[str, torch.Tensor]:
    """A different value everywhere."""
    values = torch.tensor(numbers)[:, None] + torch.arange(29) / 32
    return {"low": values[:, :24].reshape(-1, 3, 2, 4), "high": values[:, 24:]}


def same(first: BatchTargets, second: BatchTargets) -> bool:
    fields = ("match", "boxes", "columns", "weights", "verified")
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in fields)


def test_rows_are_read_in_any_order(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, SHAPES, 5)
    for numbers in ((0, 1, 2), (3, 4)):
        cache.append(features(*numbers), collate_targets([image_targets(number) for number in numbers]))
    for rows in ((4, 0, 4, 2), (0,), (1, 3)):
        found, targets = cache.read(rows)
        assert {name: values.dtype for name, values in found.items()} == dict.fromkeys(SHAPES, torch.float32)
        for name, values in features(*rows).items():
            assert torch.equal(found[name], values)
        assert same(targets, collate_targets([image_targets(row) for row in rows]))


def test_values_are_rounded_to_float16(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, SHAPES, 1)
    values = {name: torch.rand(1, *shape) for name, shape in SHAPES.items()}
    cache.append(values, collate_targets([image_targets(1)]))
    found, _ = cache.read([0])
    for name in SHAPES:
        assert torch.equal(found[name], values[name].half().float())


def test_the_file_has_no_name_so_a_killed_process_leaves_none(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, SHAPES, 1000)
    assert [*tmp_path.iterdir()] == []
    cache.append(features(1), collate_targets([image_targets(1)]))
    assert torch.equal(cache.read([0])[0]["high"], features(1)["high"])


def test_a_full_disk_is_told_before_anything_is_computed(tmp_path: Path) -> None:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (57_999, unlimited[1]))
    try:
        FeatureCache(tmp_path, SHAPES, 999)
        with pytest.raises(BoxableError, match=f"^cannot write {tmp_path}: File too large$"):
            FeatureCache(tmp_path, SHAPES, 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert [*tmp_path.iterdir()] == []


def test_views_fit_into_half_of_the_free_disk_and_a_fixed_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bytes_of_view(SHAPES) == 58
    usage = namedtuple("usage", ["total", "used", "free"])
    most = MOST_BYTES // (30 * 58)
    for free, views in ((0, 0), (2 * 58 * 30 - 1, 0), (2 * 58 * 30, 1), (2 * 58 * 75, 2), (10**17, most)):
        disk = {tmp_path: usage(10**18, 0, free)}
        monkeypatch.setattr(shutil, "disk_usage", disk.__getitem__)
        assert views_that_fit(SHAPES, 30, tmp_path) == views
