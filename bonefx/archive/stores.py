"""Folders on this machine and in object stores, by fsspec: list, read and write files.

Files appear whole or not at all. No message has a path, because paths may hold patient data.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from bonefx.errors import SettingsError

PART = ".part-"  # start of the name of a file that is being written


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file or folder in a file system of fsspec."""

    filesystem: Any
    path: str

    @property
    def local(self) -> bool:
        """Whether it is on this machine, or in a network folder of this machine."""
        return isinstance(self.filesystem, LocalFileSystem)

    @property
    def url(self) -> str:
        """Its address with the protocol."""
        address: str = self.filesystem.unstrip_protocol(self.path)
        return address


def find_place(address: str) -> Place:
    """Find a place by a path of this machine or a URL such as s3://bucket/folder.

    Raises:
        SettingsError: The protocol is not known, or its package is not installed.
    """
    if "://" not in address:
        return Place(filesystem=LocalFileSystem(), path=os.path.abspath(address))  # noqa: PTH100
    protocol = address.partition("://")[0]
    try:
        filesystem, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise SettingsError(
            f"{protocol}:// needs another package: {error}; install it on every machine"
        ) from error
    except ValueError as error:
        raise SettingsError(
            f"{protocol}:// is not known to fsspec; use a path, file://, s3:// or gs://"
        ) from error
    return Place(filesystem=filesystem, path=path.rstrip("/") or path)


@contextmanager
def sentences(what: str) -> Iterator[None]:
    """Convert errors of a store to a SettingsError without paths.

    Args:
        what: The place, for the message, such as "--out".
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _unusable(what, reason) from None  # the cause holds the path
    except Exception as error:
        if type(error).__module__.partition(".")[0] in ("builtins", "bonefx"):
            raise
        raise _unusable(what, type(error).__name__) from None  # of a store, such as no credentials


def _unusable(what: str, reason: str) -> SettingsError:
    return SettingsError(f"{what} cannot be used ({reason}); check its address and your rights")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutFolder:
    """The folder of an archive's results."""

    place: Place

    def write(self, name: str, data: bytes) -> None:
        """Write a file, which replaces one of the same name; it appears whole or not at all."""
        target = self._path(name)
        with sentences("--out"):
            if not self.place.local:
                self.place.filesystem.pipe_file(target, data)  # stores show whole objects only
                return
            path = Path(target)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{PART}{secrets.token_hex(8)}")
            try:
                part.write_bytes(data)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is none."""
        with sentences("--out"):
            try:
                content: bytes = self.place.filesystem.cat_file(self._path(name))
            except FileNotFoundError:
                return None
            return content

    def open(self, name: str) -> Any:
        """Open a file to read parts of it."""
        return self.place.filesystem.open(self._path(name), "rb")

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name."""
        with sentences("--out"):
            self.place.filesystem.invalidate_cache()
            found: bool = self.place.filesystem.exists(self._path(name))
            return found

    def names(self, folder: str) -> list[str]:
        """List the files below a folder, sorted, by their names below the folder of results."""
        root = self._path("")
        with sentences("--out"):
            self.place.filesystem.invalidate_cache()
            found = self.place.filesystem.find(self._path(folder))
        return sorted(path.removeprefix(root) for path in found)

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone is no error."""
        with sentences("--out"), suppress(FileNotFoundError):
            self.place.filesystem.rm_file(self._path(name))

    def remove_folder(self, name: str) -> None:
        """Remove a folder with all in it; one that is gone is no error."""
        with sentences("--out"), suppress(FileNotFoundError):
            self.place.filesystem.rm(self._path(name), recursive=True)

    def _path(self, name: str) -> str:
        return f"{self.place.path.rstrip('/')}/{name}"


def open_out(address: str) -> OutFolder:
    """Return the folder of results at an address; it need not exist."""
    return OutFolder(place=find_place(address))
