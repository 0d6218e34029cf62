"""The newest film of a screen wins: the answer about an earlier one is dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bonefx.web.shared.uploads import delete_upload

Update = TypeVar("Update")


@dataclass(slots=True)
class Openings:
    """Counts the films that a session opens on a screen.

    A gr.State holds it, and its handlers share the one object of their session. The page announces
    each upload when it begins to send it; the announcement may come after the film or the failure.

    Attributes:
        number: Of the film that was opened last.
        announced: Uploads that the page began to send.
        ended: Those of them that have arrived or failed, or were overtaken by one that has.
        requests: Requests to read the film on screen again.
        point: Operating point that was chosen since the last of these openings and requests; empty
            for none.
        region: Body region that was chosen since the last opening; None for none.
        failed: Number of the opening whose film the program last failed on.
        unread: Path of the upload that is read next; None for none.
    """

    number: int = 0
    announced: int = 0
    ended: int = 0
    requests: int = 0
    point: str = ""
    region: str | None = None
    failed: int = -1
    unread: str | None = None

    @property
    def newest_failed(self) -> bool:
        """Whether the program failed on the film that was opened last."""
        return self.failed == self.number

    def open(self) -> None:
        """Count another film, and delete an upload that nobody will read now."""
        overtaken = self.take_upload()
        if overtaken is not None:
            delete_upload(Path(overtaken))
        self.number += 1
        self.point, self.region = "", None

    def request(self) -> None:
        """Count a request to read the film on screen again."""
        self.requests += 1
        self.point = ""

    def announce(self) -> bool:
        """Count an upload that is being sent; return False if it has ended already."""
        self.announced += 1
        if self.announced <= self.ended:
            return False
        self.open()
        return True

    def end_upload(self, path: str | None = None) -> None:
        """Count an upload that has arrived, or has failed, which the screen says from now on.

        Args:
            path: Of the file that has arrived; None if the upload failed.
        """
        self.ended = max(self.ended + 1, self.announced)
        self.open()
        self.unread = path

    def take_upload(self) -> str | None:
        """Return the path of the upload that is read next, once; None if another film came."""
        path, self.unread = self.unread, None
        return path

    def newest_only(
        self, read: Callable[[], Update], *, outdated: Callable[[Update], Update]
    ) -> Update:
        """Read a film, and return the update of the screen.

        Args:
            read: Returns the update.
            outdated: Returns what of the update still holds if another film was opened meanwhile.
        """
        own = self.number
        try:
            update = read()
        except Exception:
            self.failed = own  # the fault is shown unless another film was opened meanwhile
            raise
        return update if self.number == own else outdated(update)
