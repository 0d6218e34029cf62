"""The list of one session: its films in a private folder, the rows read so far, and its progress.

The folder lies outside of gradio's own, where a link would open a file for anybody who knew it. It
is deleted when the session uploads another list, ends or expires, and when the program ends.
"""

from __future__ import annotations

import itertools
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath

from bonefx.errors import SettingsError
from bonefx.films.discs.film_files import is_hidden
from bonefx.films.sources import FilmSource, find_films
from bonefx.reading.case import cases_of
from bonefx.reading.worklist_row import WorklistRow
from bonefx.records import NO_CHOICES, CaseChoices
from bonefx.web.shared.navigation import ListPosition, ListRow
from bonefx.web.shared.uploads import delete_upload

KEEP_S = 3600  # films may be opened from their rows for this long
MAX_LIST_MB = 2048
MAX_FILMS = 2000
LIST_FOLDER_PREFIX = "bonefx-list-"
LIST_EXPIRED = (
    "the films of this list were deleted, after one hour or because the program restarted; choose "
    "them again"
)
NOT_ARRIVED = "the film did not arrive; choose it again"
_numbers = itertools.count(time.time_ns() // 1_000_000)  # larger after a restart of the program


class SessionList:
    """The films of one session's list; only the handlers of this session get it.

    Attributes:
        films: The films of the list.
        left_out: How many other files were uploaded with them.
        rows: Results of the films that were read so far.
        case_choices: Films that the user joined to one case or split off.
        sequence_number: Sent with each state of the table, and larger than in any state before;
            the page drops states with a smaller one.
        key: Identifies the list in the page; constant.
        running: Whether films are being read, or are queued to be read.
        stopped_early: Whether reading was stopped before its end, and can be continued.
    """

    def __init__(self) -> None:
        self.films: tuple[FilmSource, ...] = ()
        self.left_out = 0
        self.rows: list[WorklistRow] = []
        self.case_choices: CaseChoices = NO_CHOICES
        self.sequence_number = self.key = self.next_sequence_number()
        self.running = self.stopped_early = False
        self._stopped = threading.Event()
        self._queued = False
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix=LIST_FOLDER_PREFIX))  # readable by us alone
        # also runs when the program ends, and when the last reference to this list is dropped
        self._delete = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    @staticmethod
    def next_sequence_number() -> int:
        """Return a number larger than any before, of any session."""
        return next(_numbers)

    @property
    def closed(self) -> bool:
        """Whether the films are deleted."""
        return not self._delete.alive

    @property
    def may_continue(self) -> bool:
        """Whether the next film may be read."""
        return not (self._stopped.is_set() or self.closed)

    def add_uploads(self, uploads: Sequence[str], *, from_folder: bool) -> None:
        """Move uploads into the private folder and find the films in them.

        Args:
            uploads: Paths made by gradio; no file is left there afterwards.
            from_folder: Whether they are the files of a whole folder. Its documents and hidden
                files are left out; of files chosen one by one, none is.

        Raises:
            SettingsError: There are too many films, or the files are too large; none is kept.
        """
        paths = [Path(upload) for upload in uploads]
        try:
            _check_size(set(paths))
            kept = [path for path in paths if not (from_folder and is_hidden(PurePath(path.name)))]
            films, left_out = self._move(kept, listed=from_folder)
        finally:
            for path in set(paths):
                delete_upload(path)
        if len(films) > MAX_FILMS:
            self.close()
            raise SettingsError(
                f"found {len(films)} films, more than {MAX_FILMS} in one list; choose fewer at once"
            )
        self.films = tuple(films)
        self.left_out = left_out + len(paths) - len(kept)

    def queue(self) -> None:
        """Queue all films to be read from the first; a reading in progress stops."""
        with self._lock:
            self._start_with([])

    def queue_rest(self) -> None:
        """Queue the films that are still to be read after a stop; the rows so far stay."""
        with self._lock:
            self._start_with(self.rows)

    def _start_with(self, rows: Iterable[WorklistRow]) -> None:
        """Queue the films after some rows; a handler that still reads the list stops."""
        self._stopped.clear()
        self.replace_rows(rows)
        self.running = self._queued = True
        self.stopped_early = False

    def claim(self) -> bool:
        """Return whether the caller is to read the films: once for each call of queue."""
        with self._lock:
            queued, self._queued = self._queued, False
            return queued

    def replace_rows(self, rows: Iterable[WorklistRow]) -> None:
        """Replace all rows; states of the table that are still on their way become stale."""
        self.rows = list(rows)
        self.sequence_number = self.next_sequence_number()

    def row_at(self, place: int, position: ListPosition, *, following: int) -> ListRow:
        """Return the row of a film.

        Args:
            place: Of the film, from 1.
            position: See ListRow.
            following: Place of the film that Next would open, as the page names it.
        """
        film_at = dict(enumerate(self.films, start=1))
        return ListRow(
            source=self.films[place - 1],
            position=position,
            case=self._case_later(place),
            following=film_at.get(following),
        )

    def _case_later(self, place: int) -> Callable[[], dict[int, FilmSource]]:
        """Return a function for the films of the case of a film, which keeps no list alive.

        It returns them by place, as they are grouped when it is called, and raises SettingsError
        once the list expired.
        """
        reference = weakref.ref(self)

        def films_of_case() -> dict[int, FilmSource]:
            session_list = reference()
            if session_list is None or session_list.closed:
                raise SettingsError(LIST_EXPIRED)
            cases = cases_of(session_list.rows, session_list.case_choices)
            places = next((case.places for case in cases if place in case.places), (place,))
            return {own: session_list.films[own - 1] for own in sorted(places)}

        return films_of_case

    def choose_cases(self, choices: CaseChoices) -> None:
        """Replace what the user joined and split; earlier states of the table become stale."""
        self.case_choices = choices
        self.replace_rows(self.rows)

    def stop(self) -> None:
        """Read no more films; rows stay."""
        with self._lock:
            if self.running:
                self.stopped_early = not self.closed
            self._stopped.set()
        if self.claim():  # queued, and no handler reads them yet
            self.running = False

    def close(self) -> None:
        """Read no more films, and delete them."""
        self.stop()
        self._delete()

    def _move(self, paths: Iterable[Path], *, listed: bool) -> tuple[list[FilmSource], int]:
        """Move each file once; gradio gives files of one name and content the same path.

        Returns:
            The films, and how many other files were found in archives.
        """
        films: list[FilmSource] = []
        left_out, moved_to = 0, dict[Path, Path]()
        for path in paths:
            if path not in moved_to:
                moved_to[path] = self._folder / secrets.token_hex(16)
                try:
                    shutil.move(path, moved_to[path])
                except FileNotFoundError:  # taken by another session that uploaded the same file
                    films.append(FilmSource(name=path.name, path=path, fault=NOT_ARRIVED))
                    continue
            found = find_films([(path.name, moved_to[path])], listed=listed)
            films += found.films
            left_out += found.left_out
        return films, left_out


class SessionLists:
    """The list of each session, so that it can be closed when the session ends.

    References are weak: a list that gradio's session state drops is deleted.
    """

    def __init__(self) -> None:
        self._of_session: weakref.WeakValueDictionary[str, SessionList] = (
            weakref.WeakValueDictionary()
        )

    def open(self, session: str | None) -> SessionList:
        """Return a new list for a session; the session's list before is closed."""
        self.close(session)
        session_list = SessionList()
        if session is not None:
            self._of_session[session] = session_list
        return session_list

    def close(self, session: str | None) -> None:
        """Close the list of a session, if it has one."""
        session_list = None if session is None else self._of_session.pop(session, None)
        if session_list is not None:
            session_list.close()


def close_list(session_list: SessionList | None) -> None:
    """Close a list that expired; gradio also calls this for sessions without a list."""
    if session_list is not None:
        session_list.close()


def _check_size(paths: Iterable[Path]) -> None:
    size_mb = sum(path.stat().st_size for path in paths if path.is_file()) / 1_000_000
    if size_mb > MAX_LIST_MB:
        raise SettingsError(
            f"found {size_mb:,.0f} MB of files, more than {MAX_LIST_MB} MB in one list; "
            "choose fewer at once"
        )
