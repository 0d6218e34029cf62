"""The newest film of a screen wins: the answer about an earlier one is dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

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
    """

    number: int = 0
    announced: int = 0
    ended: int = 0
    requests: int = 0
    point: str = ""

    def open(self) -> None:
        """Count another film."""
        self.number += 1
        self.point = ""

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

    def end_upload(self) -> None:
        """Count an upload that has arrived, or has failed, which the screen says from now on."""
        self.ended = max(self.ended + 1, self.announced)
        self.open()

    def newest_only(
        self, read: Callable[[], Update], *, outdated: Callable[[Update], Update]
    ) -> Update:
        """Read a film, and return the update of the screen.

        Args:
            read: Returns the update.
            outdated: Returns what of the update still holds if another film was opened meanwhile.
        """
        own = self.number
        update = read()
        return update if self.number == own else outdated(update)
