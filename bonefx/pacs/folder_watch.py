"""Find files that appear in a folder, once each is complete.

The folder is polled, because network shares do not tell of changes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bonefx.films.discs.film_files import is_hidden

SETTLED_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """What tells that a file was changed.

    Attributes:
        size_bytes: Its size.
        changed_ns: Time of its last change.
    """

    size_bytes: int
    changed_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    state: FileState
    since_s: float
    read: bool = False


class FolderWatch:
    """Remembers the files of a folder during a run; nothing of it is stored."""

    def __init__(self, folder: Path, *, settled_s: float = SETTLED_S) -> None:
        """Watch a folder.

        Args:
            folder: The folder; files in its subfolders count, too.
            settled_s: Time for which a complete file has not changed, seconds; >= 0.
        """
        self._folder = folder
        self._settled_s = settled_s
        self._seen: dict[Path, _Seen] = {}
        self._not_listed = 0

    @property
    def not_listed(self) -> int:
        """Files and folders that the last poll could not look at, though they are there."""
        return self._not_listed

    def poll(self, now_s: float) -> list[Path]:
        """Return files that are complete and were not marked as read in their present state.

        Args:
            now_s: Time of this poll, seconds on a clock that never goes back.

        Raises:
            OSError: The folder itself cannot be listed.
        """
        faults: list[OSError] = []
        files = dict(self._files(faults.append))
        present = {path: self._followed(path, state, now_s) for path, state in files.items()}
        if faults:  # a file that was read and cannot be looked at now is not a new one later
            present = {path: seen for path, seen in self._seen.items() if seen.read} | present
        self._seen, self._not_listed = present, len(faults)
        return sorted(path for path, seen in present.items() if self._is_ready(seen, now_s))

    def mark_read(self, path: Path) -> None:
        """Return a file no more, in the state that it had at the last poll."""
        seen = self._seen[path]
        self._seen[path] = _Seen(state=seen.state, since_s=seen.since_s, read=True)

    def _followed(self, path: Path, state: FileState, now_s: float) -> _Seen:
        before = self._seen.get(path)
        return before if before and before.state == state else _Seen(state=state, since_s=now_s)

    def _is_ready(self, seen: _Seen, now_s: float) -> bool:
        return not seen.read and now_s - seen.since_s >= self._settled_s

    def _files(self, on_fault: Callable[[OSError], None]) -> Iterator[tuple[Path, FileState]]:
        """Return the files that are neither hidden nor empty, with their states."""
        os.scandir(self._folder).close()  # os.walk would take a lost share for an empty folder
        for place, _, names in os.walk(self._folder, onerror=on_fault):
            for path in (Path(place) / name for name in names):
                state = _state_of(path, on_fault)
                if state is not None and not is_hidden(path.relative_to(self._folder)):
                    yield path, state


def _state_of(path: Path, on_fault: Callable[[OSError], None]) -> FileState | None:
    """Return the state of a file; None if it is gone, empty, a link, or no file.

    Whoever may write into the folder could have any file read that bonefx may read, if links were
    followed.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        on_fault(error)
        return None
    if not stat.S_ISREG(found.st_mode) or not found.st_size:
        return None
    return FileState(size_bytes=found.st_size, changed_ns=found.st_mtime_ns)
