"""Count the signals that ask a long-running command to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

POLL_S = 0.1
QUIET_POLLS = 5


class SignalCount:
    """Counts the signals that ask the app to stop.

    Attributes:
        number: Signals so far.
    """

    def __init__(self) -> None:
        self.number = 0
        self._arrived = threading.Event()

    def add(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Count one more signal; the arguments are those of a signal handler."""
        self.number += 1
        self._arrived.set()

    def wait(self) -> None:
        """Wait for the first signal."""
        while not self._arrived.wait(POLL_S):
            pass

    def pause(self, seconds: float) -> None:
        """Wait for a time, but not beyond the first signal."""
        self._arrived.wait(seconds)


def wait_until_quiet(is_busy: Callable[[], bool], *, limit_s: float, hurry: SignalCount) -> bool:
    """Wait until nothing is in progress, and a little longer for the last answers to be fetched.

    Args:
        is_busy: Returns whether something is in progress.
        limit_s: Longest time to wait; >= 0.
        hurry: A further signal ends the waiting.

    Returns:
        Whether all was finished.
    """
    deadline = time.monotonic() + limit_s
    quiet = 0
    while quiet < QUIET_POLLS:
        if time.monotonic() > deadline or hurry.number > 1:
            return False
        time.sleep(POLL_S)
        quiet = 0 if is_busy() else quiet + 1
    return True


@contextmanager
def counted_signals() -> Iterator[SignalCount]:
    """Count SIGTERM and SIGINT (Ctrl-C) in place of what they do otherwise."""
    count = SignalCount()
    before: dict[signal.Signals, Any] = {
        number: signal.signal(number, count.add) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield count
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
