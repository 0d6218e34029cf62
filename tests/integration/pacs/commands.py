"""Run `bonefx listen` and `bonefx watch` in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fixtures.servers.app import REPOSITORY
from tests.fixtures.servers.fake_pacs import wait_until

END_S = 60


@dataclass
class Command:
    """A command that runs, with its files of output."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "out").read_text().splitlines()]

    def stop(self) -> int:
        """Send SIGTERM, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_S)


@contextmanager
def running(folder: Path, *arguments: str, until: str) -> Iterator[Command]:
    """Run a command until the end of the block.

    Args:
        folder: For its output and temporary files.
        arguments: After `bonefx`.
        until: What it writes into its log once it is ready.
    """
    temporary = folder / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary), "GRADIO_TEMP_DIR": str(temporary)}
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "bonefx", *arguments, "--device", "cpu", "--engine", "torch"],
            cwd=REPOSITORY, env=environment, stdout=out, stderr=err,
        )  # fmt: skip
    command = Command(process=process, folder=folder)
    try:
        wait_until(lambda: until in command.log or process.poll() is not None)
        assert process.poll() is None, command.log
        yield command
    finally:
        process.kill()
        process.wait()
