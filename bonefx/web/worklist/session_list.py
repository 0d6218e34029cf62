"""One session's list: its films in a private folder, the rows read so far, whether to go on.

The folder lies outside of gradio's own, where a link would open a file for anybody who knew it. It
is deleted when the next list comes, when the session ends or expires, and when the program ends.
"""

from __future__ import annotations

import itertools
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from bonefx.errors import SettingsError
from bonefx.films.sources import FilmSource, find_films, may_be_film
from bonefx.reading.worklist import WorklistRow

KEEP_S = 3600  # films may be opened from their rows for this long
MAX_LIST_MB = 2048
MAX_FILMS = 2000
LIST_FOLDER_PREFIX = "bonefx-list-"
NOT_ARRIVED = "the film did not arrive; choose it again"
_numbers = itertools.count(time.time_ns() // 1_000_000)  # grows when the program starts again


class SessionList:
    """A list that one session gave; only this session's handlers get it.

    Attributes:
        films: What is to be read.
        left_out: How many other files came with them.
        rows: What was read so far.
        number: Told with each state of the table; larger than that of any table before.
        key: The first of its numbers, by which it is known whatever is drawn of it.
        running: Whether films are still being read, or wait for it.
    """

    def __init__(self) -> None:
        self.films: tuple[FilmSource, ...] = ()
        self.left_out = 0
        self.rows: list[WorklistRow] = []
        self.number = self.key = self.next_number()
        self.running = False
        self._halted = threading.Event()
        self._waits = False
        self._lock = threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix=LIST_FOLDER_PREFIX))  # its owner's alone
        # also runs at exit, and for a session that is forgotten without a word
        self._delete = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    @staticmethod
    def next_number() -> int:
        """A number larger than any that was told before, to any session."""
        return next(_numbers)

    @property
    def closed(self) -> bool:
        """Whether its films are gone."""
        return not self._delete.alive

    @property
    def goes_on(self) -> bool:
        """Whether the next film is to be read."""
        return not (self._halted.is_set() or self.closed)

    def take(self, uploads: Sequence[str], *, chosen: bool) -> None:
        """Move uploads into the private folder and find the films in them.

        Args:
            uploads: Paths that gradio made; none of them is there afterwards.
            chosen: Whether each was chosen by hand; of a whole folder, plain documents and hidden
                files are left out.

        Raises:
            SettingsError: They are too many or too large; nothing of them is kept.
        """
        paths = [Path(upload) for upload in uploads]
        try:
            _check_size(set(paths))
            kept = [path for path in paths if chosen or may_be_film(PurePath(path.name))]
            films, left_out = self._moved(kept)
        finally:
            for path in set(paths):
                path.unlink(missing_ok=True)
        if len(films) > MAX_FILMS:
            self.close()
            raise SettingsError(
                f"found {len(films)} films, more than {MAX_FILMS} in one list; give fewer at once"
            )
        self.films = tuple(films)
        self.left_out = left_out + len(paths) - len(kept)

    def order(self) -> None:
        """Let the films be read, from the first; what is reading them stops."""
        with self._lock:
            self._halted.clear()
            self.redraw([])
            self.running = self._waits = True

    def begin(self) -> bool:
        """Say whether to read the films, once for each order."""
        with self._lock:
            waits, self._waits = self._waits, False
            return waits

    def redraw(self, rows: Iterable[WorklistRow]) -> None:
        """Replace all rows, so that a table that is on its way to the page counts no more."""
        self.rows = list(rows)
        self.number = self.next_number()

    def halt(self) -> None:
        """Read no more films; what was read stays."""
        self._halted.set()
        if self.begin():  # nothing reads them yet
            self.running = False

    def close(self) -> None:
        """Read no more films, and delete them."""
        self.halt()
        self._delete()

    def _moved(self, paths: Iterable[Path]) -> tuple[list[FilmSource], int]:
        """Move each file once; gradio gives files of one name and content one path."""
        films: list[FilmSource] = []
        left_out, places = 0, dict[Path, Path]()
        for path in paths:
            if path not in places:
                places[path] = self._folder / secrets.token_hex(16)
                try:
                    shutil.move(path, places[path])
                except FileNotFoundError:  # another session's upload of the very same file took it
                    films.append(FilmSource(name=path.name, path=path, fault=NOT_ARRIVED))
                    continue
            found = find_films([(path.name, places[path])])
            films += found.films
            left_out += found.left_out
        return films, left_out


class SessionLists:
    """Which list to close when a session ends; lists that nobody else holds are not kept."""

    def __init__(self) -> None:
        self._of_session: weakref.WeakValueDictionary[str, SessionList] = (
            weakref.WeakValueDictionary()
        )

    def open(self, session: str | None) -> SessionList:
        """Begin a session's list; its list before is closed."""
        self.close(session)
        listing = SessionList()
        if session is not None:
            self._of_session[session] = listing
        return listing

    def close(self, session: str | None) -> None:
        """Close a session's list, if it has one."""
        listing = None if session is None else self._of_session.pop(session, None)
        if listing is not None:
            listing.close()


def close_list(listing: SessionList | None) -> None:
    """Close a list that has expired; gradio also tells of sessions that never had one."""
    if listing is not None:
        listing.close()


def delete_leftovers() -> None:
    """Delete the folders of programs that ended without a chance to do it."""
    for folder in Path(tempfile.gettempdir()).glob(f"{LIST_FOLDER_PREFIX}*"):
        newest = max((entry.lstat().st_mtime for entry in (folder, *folder.glob("*"))), default=0.0)
        if time.time() - newest > KEEP_S:
            shutil.rmtree(folder, ignore_errors=True)


def _check_size(paths: Iterable[Path]) -> None:
    size_mb = sum(path.stat().st_size for path in paths if path.is_file()) / 1_000_000
    if size_mb > MAX_LIST_MB:
        raise SettingsError(
            f"found {size_mb:,.0f} MB of files, more than {MAX_LIST_MB} MB in one list; "
            "give fewer at once"
        )
