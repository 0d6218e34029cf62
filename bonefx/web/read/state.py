"""Records of the Read screen: its components, the user's choices, and updates of components.

The fields of an update have the names of the components that it changes; see shared/updates.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from bonefx.records import NOT_EDITED, FilmEdit, Radiograph, Reading, edit_radiograph
from bonefx.web.read.read_first import ReaderAnswer
from bonefx.web.shared.navigation import ListPosition
from bonefx.web.shared.uploads import OpenedFilm

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user has chosen on the screen.

    Attributes:
        point: Name of the operating point.
        model: Name of the model.
        prevalence_percent: Share of fractures among the user's own films, in [1, 90].
        read_first: The user answers before the model does.
        reads: Films of this session that the user answered before the model.
    """

    point: str
    model: str
    prevalence_percent: float
    read_first: bool
    reads: list[ReaderAnswer]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it may hold an array
class ShownFilm:
    """The film on screen, as a session keeps it until it expires.

    Attributes:
        opened: The film as read from its file, and what a DICOM report needs.
        edit: What the user changed on the film.
        reading: Without its heat map; None while the screen waits for the reader's own answer.
        facts: Names and values that are not in the film's file, such as an example's label.
    """

    opened: OpenedFilm
    reading: Reading | None
    facts: Facts = ()
    edit: FilmEdit = NOT_EDITED

    @property
    def film(self) -> Radiograph:
        """The film with the user's changes."""
        return edit_radiograph(self.opened.film, self.edit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadComponents:
    """Components of the screen.

    Attributes:
        film: File chooser.
        viewer: Film with its heat map and tools.
        verdict: Verdict card.
        measured: What the operating point did on test films.
        details: Facts about film, model and run.
        point: Choice of the operating point.
        own_answer: Row of buttons that asks for the reader's own answer.
        answer_buttons: The buttons in that row.
        invert: Button that reads the film with black and white swapped.
        outside: Button that reads a film out of scope anyway.
        damaged: Button that reads a damaged film anyway.
        held: Session state: OpenedFilm that is damaged, until the user decides, or None.
        changes: Row of buttons that turn, mirror and crop the film.
        change_buttons: The buttons of that row that need no rectangle, in the order of CHANGES.
        undo: Button of that row that takes all changes back.
        caution: Warning about the model.
        position: Navigation bar for the films of a worklist.
        shown: Session state: the ShownFilm on screen, or None.
        model: Choice of the model.
        prevalence_percent: Slider for the share of fractures among the user's films.
        read_first: Check box: the reader answers before the model.
        reads: Session state: list of ReaderAnswer.
        agreement: Table of the session's answers.
        session: Column that holds the table and its download button.
        save_session: That button.
        gallery: Example films.
        picked: Session state: index of the example that was clicked.
    """

    film: gr.File
    viewer: gr.HTML
    verdict: gr.HTML
    measured: gr.HTML
    details: gr.HTML
    point: gr.Radio
    own_answer: gr.Row
    answer_buttons: tuple[gr.Button, ...]
    invert: gr.Button
    outside: gr.Button
    damaged: gr.Button
    held: gr.State
    changes: gr.Row
    change_buttons: tuple[gr.Button, ...]
    undo: gr.Button
    caution: gr.HTML
    position: gr.HTML
    shown: gr.State
    model: gr.Radio
    prevalence_percent: gr.Slider
    read_first: gr.Checkbox
    reads: gr.State
    agreement: gr.HTML
    session: gr.Column
    save_session: gr.Button
    gallery: gr.HTML
    picked: gr.State


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedUpdate:
    """The screen without its film, before another film is read."""

    viewer: str
    verdict: str
    shown: None
    position: ListPosition
    own_answer: gr.Row
    invert: gr.Button
    outside: gr.Button
    damaged: gr.Button
    held: None
    changes: gr.Row


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedUpdate(ClearedUpdate):
    """The screen without its film, and the index of the example that is read next."""

    picked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingUpdate:
    """The screen while the film on it is read again. Unset fields change nothing."""

    viewer: Any = field(default_factory=gr.skip)
    verdict: Any = field(default_factory=gr.skip)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointUpdate:
    """The verdict at another operating point. Unset fields change nothing."""

    measured: str
    verdict: Any = field(default_factory=gr.skip)
    shown: Any = field(default_factory=gr.skip)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredUpdate:
    """Predictive values at another prevalence."""

    measured: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadUpdate:
    """The whole screen, so that no part of an earlier film remains. Unset fields change nothing.

    Only an upload empties `film`, so that a file that arrives meanwhile is not lost.
    """

    film: Any = field(default_factory=gr.skip)
    viewer: Any = field(default_factory=gr.skip)
    verdict: Any = field(default_factory=gr.skip)
    measured: Any = field(default_factory=gr.skip)
    details: Any = field(default_factory=gr.skip)
    point: Any = field(default_factory=gr.skip)
    own_answer: Any = field(default_factory=gr.skip)
    invert: Any = field(default_factory=gr.skip)
    outside: Any = field(default_factory=gr.skip)
    damaged: Any = field(default_factory=gr.skip)
    held: Any = field(default_factory=gr.skip)
    changes: Any = field(default_factory=gr.skip)
    undo: Any = field(default_factory=gr.skip)
    caution: Any = field(default_factory=gr.skip)
    position: Any = field(default_factory=gr.skip)
    shown: Any = field(default_factory=gr.skip)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredUpdate(ReadUpdate):
    """The whole screen after the reader's own answer, and the table of the session."""

    reads: Any = field(default_factory=gr.skip)
    agreement: Any = field(default_factory=gr.skip)
    session: Any = field(default_factory=gr.skip)
