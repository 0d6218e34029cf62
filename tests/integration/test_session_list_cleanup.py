"""A program deletes its worklists when it ends."""

import os
import subprocess
import sys

from tests.fixtures.servers.app import REPOSITORY


def test_lists_are_deleted_when_the_program_ends(tmp_path):
    program = (
        "from bonefx.web.worklist.session_list import SessionList; "
        "kept = SessionList(); print('made')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert ended.stdout.strip() == "made"
    assert list(tmp_path.glob("bonefx-list-*")) == []
