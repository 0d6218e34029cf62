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
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
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
ABANDONED = "bonefx was stopped before the film was read; send it again"
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


FAILURE = Answer(status=PROCESSING_FAILURE, comment=FAILED)
STOPPED = Answer(status=OUT_OF_RESOURCES, comment=STOPPING)


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
        folder: Path,
        outbox: Outbox | None,
        on_line: Callable[[dict[str, Any]], None],
        wait_s: float = WAIT_S,
    ) -> None:
        """Make an intake.

        Args:
            reader: Holds the loaded models.
            request: How films are read, and which forms of reports are made.
            folder: Private folder of this run, for a film while it is read.
            outbox: Takes the reports; None if they are not sent.
            on_line: Takes the result of each film: its number and reading, or its error. Called by
                one thread at a time.
            wait_s: Longest time that a film waits for those before it, seconds.
        """
        self.read = 0
        self.refused = 0
        self._reader = reader
        self._request = request
        self._folder = folder
        self._outbox = outbox
        self._on_line = on_line
        self._wait_s = wait_s
        self._numbers = itertools.count(1)
        self._one_film = threading.Lock()
        self._writing = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._without_line: set[int] = set()
        self._stopping = False
        self._abandoned = False

    @property
    def is_busy(self) -> bool:
        """Whether a film is being read or waits to be read."""
        return self._waiting > 0

    def stop(self) -> None:
        """Refuse further films; those that have arrived are read."""
        self._stopping = True

    def abandon(self) -> None:
        """Give up the films that are not finished: each gets its line, and no file or report.

        The folder of the run may be deleted afterwards.
        """
        with self._writing:
            self._abandoned = True
        with self._counting:
            for number in sorted(self._without_line):
                self.refused += 1
                with suppress(Exception):  # nobody reads the lines any more
                    self._on_line({"film": number, "error": ABANDONED})
            self._without_line.clear()

    def take(self, content: bytes, *, is_waiting: Callable[[], bool] = lambda: True) -> Answer:
        """Read a film, and leave its reports in the outbox.

        Args:
            content: Of the DICOM file.
            is_waiting: Returns whether the sender still waits for the answer. One that does not
                will send the film again, so its reports are not sent now.

        Returns:
            The answer for the sender.
        """
        number = self._begin()
        try:
            return self._in_turn(number, content, is_waiting)
        except Exception:
            if self._abandoned:
                return STOPPED
            logger.exception("bonefx failed on a film that was received")
            with suppress(Exception):  # its line could not be written
                self._refuse(number, FAILURE)
            return FAILURE
        finally:
            with self._counting:
                self._waiting -= 1

    def _begin(self) -> int:
        with self._counting:
            number = next(self._numbers)
            self._waiting += 1
            self._without_line.add(number)
            return number

    def _in_turn(self, number: int, content: bytes, is_waiting: Callable[[], bool]) -> Answer:
        if self._stopping:
            return self._refuse(number, STOPPED)
        if not self._one_film.acquire(timeout=self._wait_s):
            return self._refuse(number, Answer(status=OUT_OF_RESOURCES, comment=BUSY))
        try:
            if self._outbox is not None and self._outbox.is_full:
                return self._refuse(number, Answer(status=OUT_OF_RESOURCES, comment=OUTBOX_FULL))
            with self._file(content) as path:
                if path is None:
                    return self._refuse(number, Answer(status=OUT_OF_RESOURCES, comment=NO_SPACE))
                return self._read(number, FilmSource(name="received", path=path), is_waiting)
        finally:
            self._one_film.release()

    @contextmanager
    def _file(self, content: bytes) -> Iterator[Path | None]:
        """Write a film into a file, because films are decoded outside of this process.

        None if it cannot be written, or the films are abandoned: then no file may appear.
        """
        with ExitStack() as folders:
            path = None
            try:
                with self._writing:
                    if not self._abandoned:
                        path = _write(content, self._folder, folders)
            except OSError as error:
                logger.error("a film that was received could not be written: %s", error.strerror)
            yield path

    def _read(self, number: int, source: FilmSource, is_waiting: Callable[[], bool]) -> Answer:
        try:
            film = open_film(source, self._request)
            made = read_film(self._reader, source, film, self._request)
        except (UnreadableRadiographError, SettingsError) as error:
            fault = isinstance(error, DecodingFaultError)
            status = PROCESSING_FAILURE if fault else CANNOT_UNDERSTAND
            return self._refuse(number, Answer(status=status, comment=str(error)))
        if not is_waiting():
            return self._refuse(number, Answer(status=OUT_OF_RESOURCES, comment=GONE))
        # before the reports leave: a film whose line fails is sent, read and reported again
        if not self._write_line(number, reading_table(made.report.reading), read=True):
            return STOPPED
        if self._outbox is not None:
            self._outbox.put(number, made.dicom_objects)
        return Answer(status=SUCCESS)

    def _refuse(self, number: int, answer: Answer) -> Answer:
        return answer if self._write_line(number, {"error": answer.comment}) else STOPPED

    def _write_line(self, number: int, line: Mapping[str, Any], *, read: bool = False) -> bool:
        """Write the line of a film and count it; return False if the film was abandoned."""
        with self._counting:
            if number not in self._without_line:
                return False
            self._on_line({"film": number, **line})
            self._without_line.discard(number)
            self.read += read
            self.refused += not read
            return True


def _write(content: bytes, parent: Path, folders: ExitStack) -> Path:
    folder = folders.enter_context(tempfile.TemporaryDirectory(dir=parent))
    path = Path(folder) / "received.dcm"
    path.write_bytes(content)
    return path
