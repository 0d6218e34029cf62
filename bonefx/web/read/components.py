"""The components of the Read screen."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadComponents:
    """Components of the screen.

    Attributes:
        film: File chooser; empty but for the moment between an upload and its reading.
        openings: Session state: Openings.
        viewer: Film with its heat map and tools.
        beside: Other films of the case, beside the viewer.
        side_by_side: Check box: hang the other films of the case beside the film on screen.
        verdict: Verdict card.
        measured: What the operating point did on test films.
        details: Facts about film, model and run.
        point: Choice of the operating point.
        own_answer: Row of buttons that asks for the reader's own answer.
        judgement: The reader's agreement with the verdict.
        take_back: Button that takes the reader's own answer back.
        answer_buttons: The buttons in that row.
        invert: Button that reads the film with black and white swapped.
        outside: Button that reads a film out of scope anyway.
        damaged: Button that reads a damaged film anyway.
        ahead: Session state: ReadyFilm that Next would open, or None.
        origin: Button that opens a film again which the server no longer has; its value is the
            FilmOrigin of the film on the page.
        held: Session state: OpenedFilm that is damaged, until the user decides, or None.
        changes: Row of buttons that turn, mirror and crop the film.
        change_buttons: The buttons of that row that need no rectangle, in the order of CHANGES.
        region: Choice of the film's body region, in that row.
        undo: Button of that row that takes all changes back.
        caution: Warning about the model.
        position: Navigation bar for the films of a worklist.
        report_buttons: Buttons that make reports.
        case_buttons: Buttons that make reports of the case of the film on screen, by form.
        report_text: The user's own text for reports of the film on screen.
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
    openings: gr.State
    viewer: gr.HTML
    beside: gr.HTML
    side_by_side: gr.Checkbox
    verdict: gr.HTML
    measured: gr.HTML
    details: gr.HTML
    point: gr.Radio
    own_answer: gr.Row
    judgement: gr.Radio
    take_back: gr.Button
    answer_buttons: tuple[gr.Button, ...]
    invert: gr.Button
    outside: gr.Button
    damaged: gr.Button
    ahead: gr.State
    origin: gr.HTML
    held: gr.State
    changes: gr.Row
    change_buttons: tuple[gr.Button, ...]
    region: gr.Dropdown
    undo: gr.Button
    caution: gr.HTML
    position: gr.HTML
    report_buttons: tuple[gr.Button, ...]
    case_buttons: dict[str, gr.Button]
    report_text: gr.Textbox
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
