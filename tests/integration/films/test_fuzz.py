"""Spoilt and contradictory files: each gives a film or a sentence, and none ends its decoder.

`python -m tests.fuzz` does the same with many more files.
"""

from __future__ import annotations

import sys
import time
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


def test_a_seed_and_a_number_give_the_same_file_at_any_time(monkeypatch):
    files = [make_file(2, number) for number in range(12)]
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(10**9))
    assert [make_file(2, number) for number in range(12)] == files
    assert make_file(3, 0) != files[0]
