"""The addresses of the published tables."""

from dataclasses import astuple
from typing import get_args

from boxable.openimages.fetch.addresses import SPLITS, Version, tables_of


def test_every_release_has_four_tables_for_every_split() -> None:
    for version in get_args(Version):
        for split in SPLITS:
            paths = [item["path"] if isinstance(item, dict) else item[0] for item in astuple(tables_of(version, split))]
            assert len(set(paths)) == 4
            word = "val" if version == "v7" and split == "validation" else split
            assert all(word in path for path in paths[:3])
