"""What a process takes from itself before it opens files of strangers."""

from __future__ import annotations

import subprocess
import sys

import pytest

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this limit")
IS_DUMPABLE = """
import ctypes
from bonefx.films.decoding.confinement import confine, hide_memory
from bonefx.films.decoding.limits import DecodingLimits
{act}
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE
"""


@linux_only
@pytest.mark.parametrize(
    ("act", "dumpable"), [("", 1), ("hide_memory()", 0), ("confine(DecodingLimits())", 0)]
)
def test_the_memory_of_a_server_and_of_a_decoder_is_closed_to_other_processes(act, dumpable):
    done = subprocess.run(
        [sys.executable, "-c", IS_DUMPABLE.format(act=act)],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert int(done.stdout) == dumpable
