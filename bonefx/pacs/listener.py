"""Serve a modality or PACS until a signal, and end in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bonefx.pacs.intake import Intake
from bonefx.pacs.outbox import Outbox
from bonefx.pacs.receiver import Receiver
from bonefx.process.signals import SignalCount, counted_signals, wait_until_quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Receiver, reading and sending of one run.

    Attributes:
        receiver: Takes films from the network.
        intake: Reads them.
        outbox: Sends their reports; None if they are not sent.
        stop_s: Longest time to finish after a signal, seconds.
    """

    receiver: Receiver
    intake: Intake
    outbox: Outbox | None
    stop_s: float

    def serve(self, on_start: Callable[[], None]) -> bool:
        """Serve until SIGTERM or Ctrl-C.

        Args:
            on_start: Called once films are taken.

        Returns:
            Whether every film that had arrived was read and answered.

        Raises:
            SettingsError: See Receiver.start.
        """
        with counted_signals() as signals:
            try:
                self.receiver.start()
                if self.outbox is not None:
                    self.outbox.start()
                on_start()
                signals.wait()
                return self._finish(signals)
            finally:
                self.intake.abandon()  # before the folder of the run is deleted
                self.receiver.disconnect()

    def _finish(self, signals: SignalCount) -> bool:
        deadline_s = time.monotonic() + self.stop_s
        self.intake.stop()
        self.receiver.close()
        finished = wait_until_quiet(lambda: self.intake.is_busy, limit_s=self.stop_s, hurry=signals)
        self.intake.abandon()
        self.receiver.disconnect()
        if self.outbox is not None:
            self.outbox.finish(max(0.0, deadline_s - time.monotonic()))
        return finished
