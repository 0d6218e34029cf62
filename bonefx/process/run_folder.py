"""The folder of one run of a server: every file that holds a film lies in it.

A lock beside the folder is held as long as the process lives; the system releases it however the
process ends. So the next start knows the folders of runs that crashed or were killed, and deletes
them, but never the folder of an app that still runs.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

RUN_PREFIX = "bonefx-run-"
LOCK_SUFFIX = ".lock"
FOLDER_VARIABLES = {  # the last one is for the fonts that matplotlib finds; a home may be read-only
    "GRADIO_TEMP_DIR": "uploads", "TMPDIR": "temporary", "MPLCONFIGDIR": "matplotlib",
}  # fmt: skip
logger = logging.getLogger(__name__)


@contextmanager
def run_folder() -> Iterator[Path]:
    """Make the folder of this run, and let uploads and all temporary files go there.

    It lies in GRADIO_TEMP_DIR if that is set, else in the system's temporary folder, readable by
    this user alone. It is deleted at the end of the block, whatever ends it.
    """
    parent = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()).absolute()
    parent.mkdir(parents=True, exist_ok=True)
    delete_leftovers(parent)
    folder, lock = _new_folder(parent)
    try:
        with _temporary_files_in(folder):
            yield folder
    finally:
        _delete(folder, lock)


def delete_leftovers(parent: Path) -> None:
    """Delete the folders of this user's runs whose processes are gone."""
    for path in parent.glob(f"{RUN_PREFIX}*{LOCK_SUFFIX}"):
        lock = FileLock(path, mode=0o600)
        if _is_our_file(path) and _acquired(lock):
            _delete(path.with_suffix(""), lock)


def _new_folder(parent: Path) -> tuple[Path, FileLock]:
    """Make a folder under a name whose lock this process holds."""
    while True:
        folder = parent / f"{RUN_PREFIX}{secrets.token_hex(8)}"
        lock = FileLock(folder.with_suffix(LOCK_SUFFIX), mode=0o600)
        if _acquired(lock):  # otherwise another app that starts now took it for a leftover
            folder.mkdir(mode=0o700)
            return folder, lock


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Send uploads and the temporary files of all libraries and children to a folder."""
    before = {name: os.environ.get(name) for name in FOLDER_VARIABLES}
    for name, subfolder in FOLDER_VARIABLES.items():
        (folder / subfolder).mkdir(mode=0o700)
        os.environ[name] = str(folder / subfolder)
    tempfile.tempdir = None  # read again from TMPDIR
    try:
        yield
    finally:
        for name, value in before.items():
            _set_or_delete(name, value)
        tempfile.tempdir = None


def _set_or_delete(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _delete(folder: Path, lock: FileLock) -> None:
    """Delete a folder and its lock; what cannot be deleted is left to the next start."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        logger.warning("the folder of a run could not be deleted; the next start tries again")
    else:
        with suppress(OSError):  # Windows deletes no file that is open
            Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _acquired(lock: FileLock) -> bool:
    """Return whether this process holds a lock from now on."""
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError):  # held by a running app; or not a lock that we may open
        return False
    return Path(lock.lock_file).exists()


def _is_our_file(path: Path) -> bool:
    """Return whether a path is a regular file of this user, not a link that somebody else made."""
    try:
        found = path.lstat()
    except FileNotFoundError:  # another app that starts now was faster
        return False
    own = getattr(os, "geteuid", lambda: found.st_uid)()
    return stat.S_ISREG(found.st_mode) and found.st_uid == own
