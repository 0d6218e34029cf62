"""Start a decoding process, and what both kinds of them share."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from bonefx.errors import DecodingFaultError
from bonefx.films.decoding.limits import DecodingLimits
from bonefx.films.decoding.outcomes import Failed, Outcome
from bonefx.films.decoding.requests import Request

BOOT = (  # with sys.path of this process, so that no working directory shadows a library
    "import json, sys; settings = json.loads(sys.argv[1]); sys.path[:] = settings.pop('path'); "
    "from bonefx.films.decoding.worker import main; main(settings)"
)
SECRETS = re.compile(r"BONEFX_|HF_|.*(TOKEN|SECRET|PASSWORD|CREDENTIAL|_KEY|AUTH)", re.IGNORECASE)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
MAX_LINE_BYTES = 32_000_000  # of an answer without pictures; the names of the largest archive
NOT_STARTED = Failed(error="a decoding process did not start; its message is above", trace=())


class DecodingProcess(Protocol):
    """A process that answers one request at a time."""

    @property
    def alive(self) -> bool:
        """Whether it can take another request."""

    def ask(self, request: Request, path: Path) -> Outcome:
        """Return what becomes of a file.

        Raises:
            UnreadableRadiographError: The file cannot be opened.
        """

    def end(self) -> None:
        """End it at once, from any thread; an answer in progress becomes a refusal."""

    def close(self) -> None:
        """End it, and close its streams, in the thread that uses it."""


class EndedError(Exception):
    """The process or its answer ended too early."""


class LateError(Exception):
    """The answer did not arrive in time."""


# What reading an answer raises if it ends early or has another form
NO_ANSWER = (EndedError, OSError, ValueError, KeyError, TypeError, DecodingFaultError)


def launch(
    limits: DecodingLimits, *, channel: int | None = None, **streams: Any
) -> subprocess.Popen[bytes]:
    """Start a decoding process without the secrets in the environment of this one.

    Args:
        limits: Its limits.
        channel: Number of a socket that it inherits; None to answer on stdin and stdout.
        streams: Arguments of Popen.
    """
    settings = {
        "path": [folder for folder in sys.path if folder],
        "limits": asdict(limits),
        "socket": channel,
    }
    environment = {name: value for name, value in os.environ.items() if not SECRETS.match(name)}
    command = [sys.executable, "-P", "-c", BOOT, json.dumps(settings)]
    return subprocess.Popen(command, env=environment | ONE_THREAD, **streams)  # noqa: S603 (ours)
