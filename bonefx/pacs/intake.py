"""What becomes of a film that a modality or PACS sends: read, answered, and its reports sent.

A film is read before its C-STORE is answered. bonefx keeps nothing, so an answer that promised to
read it later could not be kept after a crash; and the sender learns which films were not read.
Films are read one at a time. Reports are sent afterwards, because the PACS that waits for the
answer often is the one that takes the reports.
"""

from __future__ import annotations

import itertools
import logging
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonefx.errors import DecodingFaultError, SettingsError, UnreadableRadiographError
from bonefx.films.sources import FilmSource
from bonefx.pacs.film_reports import ReportRequest, open_film, read_film
from bonefx.pacs.outbox import Outbox
from bonefx.reading.reader import Reader
from bonefx.report import reading_table

WAIT_S = 30.0  # of a film for those before it
SUCCESS, PROCESSING_FAILURE = 0x0000, 0x0110
OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0xA700, 0xC000  # PS3.4, table B.2-1
BUSY = "bonefx is busy; send the film again later"
STOPPING = "bonefx is stopping; send the film again later"
OUTBOX_FULL = "too many reports wait for the PACS; send again later"
NO_SPACE = "the temporary folder is full; send again later"
GONE = "the sender did not wait for the answer; let it wait longer"
FAILED = "bonefx failed on this film; its log says where"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a C-STORE.

    Attributes:
        status: Status of PS3.4, table B.2-1.
        comment: Why the film was not read, as a sentence without patient data; empty if it was.
    """

    status: int
    comment: str = ""


class Intake:
    """Reads films that are received, from any number of threads.

    Attributes:
        read: Films that were read.
        refused: Films that were not.
    """

    def __init__(
        self,
        reader: Reader,
        request: ReportRequest,
        *,
        outbox: Outbox | None,
        on_line: Callable[[dict[str, Any]], None],
        wait_s: float = WAIT_S,
    ) -> None:
        """Make an intake.

        Args:
            reader: Holds the loaded models.
            request: How films are read, and which forms of reports are made.
            outbox: Takes the reports; None if they are not sent.
            on_line: Takes the result of each film: its number and reading, or its error.
            wait_s: Longest time that a film waits for those before it, seconds.
        """
        self.read = 0
        self.refused = 0
        self._reader = reader
        self._request = request
        self._outbox = outbox
        self._on_line = on_line
        self._wait_s = wait_s
        self._numbers = itertools.count(1)
        self._one_film = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._stopping = False

    @property
    def is_busy(self) -> bool:
        """Whether a film is being read or waits to be read."""
        return self._waiting > 0

    def stop(self) -> None:
        """Refuse further films; those that have arrived are read."""
        self._stopping = True

    def take(self, content: bytes, *, is_waiting: Callable[[], bool] = lambda: True) -> Answer:
        """Read a film, and leave its reports in the outbox.

        Args:
            content: Of the DICOM file.
            is_waiting: Returns whether the sender still waits for the answer. One that does not
                will send the film again, so its reports are not sent now.

        Returns:
            The answer for the sender.
        """
        with self._counting:
            self._waiting += 1
        try:
            answer = STOPPED if self._stopping else self._in_turn(content, is_waiting)
        except Exception:
            logger.exception("bonefx failed on a film that was received")
            answer = Answer(status=PROCESSING_FAILURE, comment=FAILED)
        finally:
            with self._counting:
                self._waiting -= 1
        self._count(answer)
        return answer

    def _in_turn(self, content: bytes, is_waiting: Callable[[], bool]) -> Answer:
        if not self._one_film.acquire(timeout=self._wait_s):
            return Answer(status=OUT_OF_RESOURCES, comment=BUSY)
        try:
            if self._outbox is not None and self._outbox.is_full:
                return Answer(status=OUT_OF_RESOURCES, comment=OUTBOX_FULL)
            return self._in_file(content, is_waiting)
        finally:
            self._one_film.release()

    def _in_file(self, content: bytes, is_waiting: Callable[[], bool]) -> Answer:
        """Read a film from a file, because films are decoded outside of this process."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "received.dcm"
            try:
                path.write_bytes(content)
            except OSError as error:
                logger.error("a film that was received could not be written: %s", error.strerror)
                return Answer(status=OUT_OF_RESOURCES, comment=NO_SPACE)
            return self._read(FilmSource(name="received", path=path), is_waiting)

    def _read(self, source: FilmSource, is_waiting: Callable[[], bool]) -> Answer:
        number = next(self._numbers)
        try:
            film = open_film(source, self._request)
            made = read_film(self._reader, source, film, self._request)
        except (UnreadableRadiographError, SettingsError) as error:
            self._on_line({"film": number, "error": str(error)})
            fault = isinstance(error, DecodingFaultError)
            status = PROCESSING_FAILURE if fault else CANNOT_UNDERSTAND
            return Answer(status=status, comment=str(error))
        if not is_waiting():
            self._on_line({"film": number, "error": GONE})
            return Answer(status=OUT_OF_RESOURCES, comment=GONE)
        if self._outbox is not None:
            self._outbox.put(number, made.dicom_objects)
        self._on_line({"film": number, **reading_table(made.report.reading)})
        return Answer(status=SUCCESS)

    def _count(self, answer: Answer) -> None:
        with self._counting:
            if answer.status == SUCCESS:
                self.read += 1
            else:
                self.refused += 1


STOPPED = Answer(status=OUT_OF_RESOURCES, comment=STOPPING)
