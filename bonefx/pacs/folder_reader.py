"""Read the films of a watched folder, write their reports and hand them to an outbox."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonefx.errors import SettingsError, UnreadableRadiographError
from bonefx.films.sources import FilmSource, find_films
from bonefx.pacs.film_reports import ReportRequest, open_film, read_film
from bonefx.pacs.folder_watch import FolderWatch
from bonefx.pacs.outbox import Outbox
from bonefx.process.signals import SignalCount
from bonefx.reading.reader import Reader
from bonefx.records import Radiograph
from bonefx.report import reading_table
from bonefx.report.files import expected_names, write_contents

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

        Args:
            watch: Finds the files.
            poll_s: Time between two looks, seconds.
            stop: Counts the signals.
        """
        while not stop.number:
            for path in _new_files(watch):
                for source in find_films([(str(path), path)], listed=True).films:
                    self._wait_for_outbox(stop)
                    if stop.number:
                        return
                    self.read(source)
            stop.pause(poll_s)

    def read(self, source: FilmSource) -> None:
        """Read one film, unless its reports are in the folder already.

        Raises:
            SettingsError: The reports cannot be written.
        """
        self.films += 1
        try:
            film = open_film(source, self.request)
        except (UnreadableRadiographError, SettingsError) as error:
            self._print(source, {"error": str(error)})
            return
        existing = self._existing(film)
        if existing:
            self._print(source, {"made_before": existing})
            return
        self._report(source, film)

    def _report(self, source: FilmSource, film: Radiograph) -> None:
        try:
            made = read_film(self.reader, source, film, self.request)
        except UnreadableRadiographError as error:
            self._print(source, {"error": str(error)})
            return
        line = dict(reading_table(made.report.reading))
        if self.out is not None:
            paths = write_contents(made.report, made.contents, self.out, overwrite=True)
            line["written"] = {form: str(path) for form, path in paths.items()}
        if self.outbox is not None:
            self.outbox.put(self.films, made.dicom_objects)
        if made.not_made:
            line["not_made"] = made.not_made
        self._print(source, line)

    def _print(self, source: FilmSource, line: dict[str, Any]) -> None:
        self.on_line({"film": self.films, "path": source.location, **line})

    def _existing(self, film: Radiograph) -> list[str]:
        """Return the paths of the film's reports if all that can be made are there."""
        if self.out is None:
            return []
        model = self.reader.model()
        names = expected_names(
            film, model=model.name, point=model.point(self.request.point).name,
            forms=self.request.forms_of(film),
        )  # fmt: skip
        paths = [self.out / name for name in names]
        return [str(path) for path in paths] if all(path.exists() for path in paths) else []

    def _wait_for_outbox(self, stop: SignalCount) -> None:
        while self.outbox is not None and self.outbox.is_full and not stop.number:
            stop.pause(FULL_POLL_S)


def _new_files(watch: FolderWatch) -> list[Path]:
    """Return the files that are complete now; none while the folder cannot be looked at."""
    try:
        files = watch.poll(time.monotonic())
    except OSError as error:
        logger.warning("the folder cannot be listed at the moment: %s", error.strerror)
        return []
    if watch.not_listed:
        logger.warning("%d files or folders in it cannot be looked at", watch.not_listed)
    return files
