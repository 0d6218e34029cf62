"""Records of the Read screen: its film, and updates of its components.

The fields of an update have the names of the components that it changes; see shared/updates.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import gradio as gr

from bonefx.records import NOT_EDITED, FilmEdit, Radiograph, Reading, edit_radiograph
from bonefx.web.shared.gone_film import FilmOrigin
from bonefx.web.shared.navigation import ListPosition
from bonefx.web.shared.uploads import OpenedFilm

NOT_NAMED = ""  # no body region is chosen: the header or the model names it
Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it may hold an array
class ShownFilm:
    """The film on screen, as a session keeps it until it expires.

    Attributes:
        opened: The film as read from its file, and what a DICOM report needs.
        edit: What the user changed on the film.
        region: Body region that the user named, or NOT_NAMED.
        second_failed: bonefx failed when the second model read the film.
        taken_back: The reader took the own answer about it back, after the model's.
        reading: With its heat map until the second model has read the film, then without it; None
            while the screen waits for the reader's own answer.
        facts: Names and values that are not in the film's file, such as an example's label.
    """

    opened: OpenedFilm
    reading: Reading | None
    facts: Facts = ()
    edit: FilmEdit = NOT_EDITED
    region: str = NOT_NAMED
    second_failed: bool = False
    taken_back: bool = False

    @property
    def film(self) -> Radiograph:
        """The film with the user's changes."""
        return edit_radiograph(self.opened.film, self.edit)

    @property
    def nbytes(self) -> int:
        """Bytes of the film and of its heat map in memory."""
        heat = None if self.reading is None else self.reading.heat
        return self.opened.nbytes + (0 if heat is None else heat.nbytes)

    @property
    def opening(self) -> str:
        """Name of the opening of the film; see viewer.new_opening."""
        return self.opened.opening


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedUpdate:
    """The screen without its film and all that belongs to it, before another film is read."""

    viewer: str
    verdict: str
    shown: None
    position: ListPosition
    report_text: str
    own_answer: gr.Row
    judgement: gr.Radio
    take_back: gr.Button
    invert: gr.Button
    outside: gr.Button
    damaged: gr.Button
    origin: FilmOrigin
    held: None
    changes: gr.Row
    region: str
    beside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedUpdate(ClearedUpdate):
    """The screen without its film, and the index of the example that is read next."""

    picked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedUpdate(ClearedUpdate):
    """The screen without its film, and a file chooser that takes the next file at once."""

    film: None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowGoneUpdate:
    """The screen when a row of a worklist cannot be opened. Unset fields change nothing."""

    position: ListPosition
    verdict: Any = field(default_factory=gr.skip)
    origin: Any = field(default_factory=gr.skip)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingUpdate:
    """The screen while the film on it is read again. Unset fields change nothing."""

    viewer: Any = field(default_factory=gr.skip)
    verdict: Any = field(default_factory=gr.skip)
    point: Any = field(default_factory=gr.skip)
    region: Any = field(default_factory=gr.skip)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointUpdate:
    """The verdict at another operating point. Unset fields change nothing."""

    measured: str
    verdict: Any = field(default_factory=gr.skip)
    judgement: Any = field(default_factory=gr.skip)
    origin: Any = field(default_factory=gr.skip)
    shown: Any = field(default_factory=gr.skip)

    def outdated(self) -> PointUpdate:
        """Return what still holds once another film is opened: the figures of the point."""
        return PointUpdate(measured=self.measured)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondUpdate:
    """The screen after the second model has read the film. Unset fields change nothing."""

    viewer: Any = field(default_factory=gr.skip)
    verdict: Any = field(default_factory=gr.skip)
    shown: Any = field(default_factory=gr.skip)

    def outdated(self) -> SecondUpdate:
        """Return what still holds once another film is opened: nothing."""
        return SecondUpdate()


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredUpdate:
    """Predictive values at another prevalence."""

    measured: str

    def outdated(self) -> MeasuredUpdate:
        """Return what still holds once another film is opened: everything."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadUpdate:
    """The whole screen, so that no part of an earlier film remains. Unset fields change nothing.

    Only a refused upload empties `film`, so that a file that arrives meanwhile is not lost.
    """

    film: Any = field(default_factory=gr.skip)
    viewer: Any = field(default_factory=gr.skip)
    verdict: Any = field(default_factory=gr.skip)
    measured: Any = field(default_factory=gr.skip)
    details: Any = field(default_factory=gr.skip)
    point: Any = field(default_factory=gr.skip)
    own_answer: Any = field(default_factory=gr.skip)
    judgement: Any = field(default_factory=gr.skip)
    take_back: Any = field(default_factory=gr.skip)
    invert: Any = field(default_factory=gr.skip)
    outside: Any = field(default_factory=gr.skip)
    damaged: Any = field(default_factory=gr.skip)
    origin: Any = field(default_factory=gr.skip)
    held: Any = field(default_factory=gr.skip)
    changes: Any = field(default_factory=gr.skip)
    region: Any = field(default_factory=gr.skip)
    undo: Any = field(default_factory=gr.skip)
    caution: Any = field(default_factory=gr.skip)
    position: Any = field(default_factory=gr.skip)
    shown: Any = field(default_factory=gr.skip)

    def outdated(self) -> ReadUpdate:
        """Return what still holds once another film is opened: nothing."""
        return ReadUpdate()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedUpdate(ReadUpdate):
    """The whole screen, with why an upload failed."""

    def outdated(self) -> RefusedUpdate:
        """Return what still holds once another film is opened: everything."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredUpdate(ReadUpdate):
    """The screen after an answer or a judgement of the reader, and the table of the session."""

    reads: Any = field(default_factory=gr.skip)
    agreement: Any = field(default_factory=gr.skip)
    session: Any = field(default_factory=gr.skip)

    def outdated(self) -> AnsweredUpdate:
        """Return what still holds once another film is opened: the session's answers."""
        return AnsweredUpdate(reads=self.reads, agreement=self.agreement, session=self.session)


Update = TypeVar("Update", bound=ClearedUpdate | ReadUpdate)


def extended(kind: type[Update], update: ClearedUpdate | ReadUpdate, **further: Any) -> Update:
    """Return an update of a subclass with the values of another update and further ones."""
    named = {field.name: getattr(update, field.name) for field in fields(update)}
    return kind(**named | further)
