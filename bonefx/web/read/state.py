"""What goes in and out of the handlers of the screen for one film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from bonefx.records import Reading
from bonefx.web.read.read_first import ReaderAnswer
from bonefx.web.shared.navigation import ListPosition
from bonefx.web.shared.uploads import OpenedFilm

Facts = tuple[tuple[str, str], ...]


class Choices(NamedTuple):
    """What the user has chosen, the prevalence in per cent, and what they read before the model."""

    point: str
    model: str
    prevalence: float
    read_first: bool
    reads: list[ReaderAnswer]


class Cleared(NamedTuple):
    """Values for the parts that are cleared before a film is read, in the order of layout."""

    viewer: str
    verdict: str
    shown: None
    walk: ListPosition
    own: gr.Row
    invert: gr.Button


class Answer(NamedTuple):
    """Values for the parts of the screen, in the order of layout."""

    film: None
    viewer: str
    verdict: str
    measured: str
    details: str
    point: gr.Radio
    own: gr.Row
    invert: gr.Button
    caution: str
    walk: Any
    shown: ShownFilm | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it may hold an array
class ShownFilm:
    """What a session keeps of the film on screen, until it expires.

    Attributes:
        taken: The film, for a model that has not read it yet, and what a DICOM report needs.
        reading: Without its heat; None while the reader's own answer is awaited.
        extra: Facts of the details that are not of the film, such as an example's label.
    """

    taken: OpenedFilm
    reading: Reading | None
    extra: Facts
