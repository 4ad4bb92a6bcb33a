"""Files that broke a parser once (`python -m bench.fuzz` keeps them), or were written to: each is read or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.fuzz import CORPUS, judge, targets

FILES = sorted(CORPUS.glob("*/*.bin"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_file_that_broke_a_parser_once_breaks_none(path: Path) -> None:
    assert judge(targets()[path.parent.name], path.read_bytes()) in {"read", "refused"}


@pytest.mark.parametrize("name", ["captions", "dicom"])
def test_files_that_are_right_are_read(name: str) -> None:
    target = targets()[name]

    assert [judge(target, seed) for seed in target.seeds] == ["read"] * len(target.seeds)
