"""Spoilt and contradictory files: each gives a film or a sentence, and none ends its decoder.

`python -m tests.fuzz` does the same with many more files.
"""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from tests.fuzz.files import FAMILIES, make_file
from tests.fuzz.outcomes import GOOD, decode_files

FILES = 500


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each file a new process")
def test_every_spoilt_file_gives_a_film_or_a_sentence():
    results = list(decode_files(2, FILES))
    assert [(one.number, one.kind, one.detail) for one in results if one.kind not in GOOD] == []
    kinds = Counter((one.family, one.kind) for one in results)
    for family in FAMILIES:
        assert kinds[family, "sentence"] > 0
        assert sum(kinds[family, kind] for kind in GOOD) > kinds[family, "sentence"]


def test_a_seed_and_a_number_always_give_the_same_file():
    assert [make_file(2, number) for number in range(8)] == [
        make_file(2, number) for number in range(8)
    ]
    assert make_file(2, 0) != make_file(3, 0)
