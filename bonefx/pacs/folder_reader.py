"""Read the films of a watched folder, write their reports and hand them to an outbox."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonefx.errors import SettingsError, UnreadableRadiographError
from bonefx.films.sources import FilmSource, find_films
from bonefx.pacs.film_reports import FilmReport, ReportRequest, open_film, read_film
from bonefx.pacs.folder_watch import FolderWatch
from bonefx.pacs.outbox import Outbox
from bonefx.process.signals import SignalCount
from bonefx.reading.reader import Reader
from bonefx.records import Radiograph
from bonefx.report import reading_table
from bonefx.report.files import DICOM_FORMS, expected_names, write_contents, write_new_file

FULL_POLL_S = 1.0
logger = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class FolderReader:
    """Reads films one by one.

    Attributes:
        reader: Holds the loaded models.
        request: How films are read, and which forms of reports are made.
        out: Folder of the reports; None to write none.
        outbox: Sends DICOM forms; None if they are not sent.
        on_line: Takes the line of each film: its number, and what `bonefx report` prints.
        films: Films so far, also those that could not be read.
    """

    reader: Reader
    request: ReportRequest
    out: Path | None
    outbox: Outbox | None
    on_line: Callable[[dict[str, Any]], None]
    films: int = 0

    def watch(self, watch: FolderWatch, *, poll_s: float, stop: SignalCount) -> None:
        """Read what appears in a folder until a signal; the film in progress is finished.

        A file that cannot be opened is left to the next poll.

        Args:
            watch: Finds the files.
            poll_s: Time between two polls, seconds.
            stop: Counts the signals.
        """
        not_seen = _FaultCount("files or folders in it cannot be looked at")
        not_opened = _FaultCount("files in it cannot be opened")
        while not stop.number:
            ready = _ready_files(watch)
            not_seen.update(watch.not_listed)
            not_opened.update(sum(not self._read_file(path, watch, stop) for path in ready))
            stop.pause(poll_s)

    def _read_file(self, path: Path, watch: FolderWatch, stop: SignalCount) -> bool:
        """Read the films of a file and mark it; return False if it cannot be opened now."""
        try:
            if not _opens(path):
                return False
            films = find_films([(str(path), path)], listed=True).films
        except OSError:
            return False
        for source in films:
            self._wait_for_outbox(stop)
            if stop.number:
                return True
            if not self.read(source):
                return False
        watch.mark_read(path)
        return True

    def read(self, source: FilmSource) -> bool:
        """Read one film, unless its reports are in the folder already.

        Returns:
            Whether it got its line; False if its file cannot be opened at the moment.

        Raises:
            SettingsError: The reports cannot be written.
        """
        self.films += 1
        try:
            film = open_film(source, self.request)
        except (UnreadableRadiographError, SettingsError, OSError) as error:
            return self._refuse(source, error)
        existing = self._existing(film)
        if existing is None:
            return self._report(source, film)
        self._print(source, {"made_before": existing})
        return True

    def _refuse(self, source: FilmSource, error: Exception) -> bool:
        """Print why a film was not read, unless its file cannot be opened now."""
        if isinstance(error, OSError) or not _opens(source.path):
            self.films -= 1
            return False
        self._print(source, {"error": str(error)})
        return True

    def _report(self, source: FilmSource, film: Radiograph) -> bool:
        """Read a film, write its reports, and send them after its line was printed."""
        try:
            made = read_film(self.reader, source, film, self.request)
        except (UnreadableRadiographError, OSError) as error:
            return self._refuse(source, error)
        unsent = self._unsent(film, made)
        line = dict(reading_table(made.report.reading))
        if self.out is not None:
            now = {form: made.contents[form] for form in made.contents if form not in unsent}
            paths = write_contents(made.report, now, self.out, overwrite=True)
            line["written"] = {form: str(path) for form, path in paths.items()}
            self._note_not_made(film, made.not_made)
        if made.not_made:
            line["not_made"] = made.not_made
        self._print(source, line)
        if self.outbox is not None:
            objects = [made.contents[form] for form in unsent]
            self.outbox.put(
                self.films, objects, on_stored=lambda place: self._write_sent(made, unsent[place])
            )
        return True

    def _unsent(self, film: Radiograph, made: FilmReport) -> tuple[str, ...]:
        """Return the forms to send: those that were not written after an earlier delivery."""
        if self.outbox is None:
            return ()
        names = self._names(film)
        return tuple(
            form for form in DICOM_FORMS
            if form in made.contents
            and (self.out is None or not (self.out / names[form]).exists())
        )  # fmt: skip

    def _write_sent(self, made: FilmReport, form: str) -> None:
        """Write a form that was delivered, so that a later start sends what was not."""
        if self.out is not None:
            write_contents(made.report, {form: made.contents[form]}, self.out, overwrite=True)

    def _note_not_made(self, film: Radiograph, not_made: Mapping[str, str]) -> None:
        """Leave an empty hidden file for each form that cannot be made, such as a missing map."""
        assert self.out is not None
        names = self._names(film)
        for form in set(not_made) & set(names):
            write_new_file(_mark_of(self.out / names[form]), b"")

    def _print(self, source: FilmSource, line: dict[str, Any]) -> None:
        self.on_line({"film": self.films, "path": source.location, **line})

    def _existing(self, film: Radiograph) -> list[str] | None:
        """Return the paths of the film's reports if all that can be made are there, else None."""
        if self.out is None:
            return None
        paths = [self.out / name for name in self._names(film).values()]
        made = [path for path in paths if path.exists()]
        done = all(path in made or _mark_of(path).exists() for path in paths)
        return [str(path) for path in made] if paths and done else None

    def _names(self, film: Radiograph) -> dict[str, str]:
        """Return the names of the reports that fit a film, by form."""
        model, forms = self.reader.model(), self.request.forms_of(film)
        point = model.point(self.request.point).name
        names = expected_names(film, model=model.name, point=point, forms=forms)
        return dict(zip(forms, names, strict=True))

    def _wait_for_outbox(self, stop: SignalCount) -> None:
        while self.outbox is not None and self.outbox.is_full and not stop.number:
            stop.pause(FULL_POLL_S)


class _FaultCount:
    """Logs a number of faults when it changes."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._number = 0

    def update(self, number: int) -> None:
        """Log the number of faults of a poll, if it is not that of the poll before."""
        if number != self._number:
            logger.warning("%d %s at the moment", number, self._what)
        self._number = number


def _mark_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.not-made")


def _opens(path: Path) -> bool:
    """Return whether a file can be opened now; it cannot while a share is away."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError:
        return False
    return True


def _ready_files(watch: FolderWatch) -> list[Path]:
    """Return the files that are complete now; none while the folder cannot be looked at."""
    try:
        return watch.poll(time.monotonic())
    except OSError as error:
        logger.warning("the folder cannot be listed at the moment: %s", error.strerror)
        return []
