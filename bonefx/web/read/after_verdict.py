"""What follows a verdict on the Read screen: the second opinion, and the next film of the list."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from bonefx.errors import BonefxError
from bonefx.films.sources import FilmSource
from bonefx.reading.second_opinion import at_point, with_second_opinion
from bonefx.web.read.choices import Choices
from bonefx.web.read.film_updates import FilmUpdates
from bonefx.web.read.state import SecondUpdate, ShownFilm
from bonefx.web.shared.navigation import OpenedRow
from bonefx.web.shared.newest_film import Openings
from bonefx.web.shared.uploads import open_source
from bonefx.web.shared.viewer import film_figure, new_opening

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitedOpinion:
    """Handler that runs once the first model's verdict is shown."""

    updates: FilmUpdates

    def on_verdict(
        self, *, shown: ShownFilm | None, openings: Openings, choices: Choices
    ) -> SecondUpdate:
        """Let the second model read the film on screen, and add its verdict to the card.

        The picture changes only where the second model's map contradicts the map on screen.
        Nothing changes without a film, and where the film was to be read again meanwhile. A point
        and a region that were chosen meanwhile hold.
        """
        del choices  # those of the reading hold
        if shown is None or shown.reading is None or shown.reading.second is not None:
            return SecondUpdate()
        requests, reading, reader = openings.requests, shown.reading, self.updates.reader
        openings.point = ""  # one that was chosen before the first verdict is not on the screen
        read_twice = with_second_opinion(reader, shown.film, reading)
        if openings.requests != requests:
            return SecondUpdate()
        decided = at_point(reader, read_twice, openings.point or reading.point.name)
        region = shown.region if openings.region is None else openings.region
        shown = replace(shown, reading=replace(decided, heat=None), region=region)
        update = SecondUpdate(verdict=self.updates.verdict_html(shown), shown=shown)
        if decided.heat is reading.heat:
            return update
        floor = reader.model(reading.model).manifest.heat_floor
        figure = film_figure(shown.film, decided, heat_floor=floor, opening=shown.opening)
        return replace(update, viewer=figure)

    def on_fault(
        self, *, shown: ShownFilm | None, openings: Openings, choices: Choices
    ) -> SecondUpdate:
        """Keep the first model's verdict, and say that the second one gives none."""
        del choices
        if shown is None or shown.reading is None or not openings.newest_failed:
            return SecondUpdate()
        shown = replace(shown, second_failed=True)
        return SecondUpdate(verdict=self.updates.verdict_html(shown), shown=shown)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds an array
class ReadyFilm:
    """The next film of a worklist, read while the user looks at the one before.

    Attributes:
        source: Its file.
        shown: The film with its reading.
    """

    source: FilmSource
    shown: ShownFilm

    def is_of(self, source: FilmSource, model: str) -> bool:
        """Return whether it is this film, as this model read it."""
        reading = self.shown.reading
        return self.source == source and reading is not None and reading.model == model

    def opened_now(self) -> ShownFilm:
        """Return the film as a new opening."""
        return replace(self.shown, opened=replace(self.shown.opened, opening=new_opening()))

    @property
    def nbytes(self) -> int:
        """Bytes of the film and of its heat map in memory."""
        return self.shown.nbytes

    @property
    def opening(self) -> str:
        """Name of the opening of the film."""
        return self.shown.opening


@dataclass(frozen=True, slots=True, kw_only=True)
class AheadUpdate:
    """The film that was read ahead. The screen does not change."""

    ahead: Any = field(default_factory=gr.skip)

    def outdated(self) -> AheadUpdate:
        """Return what still holds once another film is opened: it may be this very film."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAhead:
    """Handler that reads the next film of a list while the user looks at this one."""

    updates: FilmUpdates

    def on_opinion(
        self, *, row: OpenedRow, shown: ShownFilm | None, ahead: ReadyFilm | None, choices: Choices
    ) -> AheadUpdate:
        """Read the film that Next would open; the second model reads it once it is opened.

        Nothing is read where others wait, where the user has gone on, and for a user who answers
        before the model.
        """
        following = row.newest().following
        if following is None or shown is None or choices.read_first or _others_wait():
            return AheadUpdate()
        if ahead is not None and ahead.is_of(following, choices.model):
            return AheadUpdate()
        return AheadUpdate(ahead=self._ready(following, choices))

    def _ready(self, source: FilmSource, choices: Choices) -> ReadyFilm | None:
        """Return a film with its reading; None if it fails, which shows once it is opened."""
        reader = self.updates.reader
        try:
            opened = open_source(source)
            if opened.damage:
                return None
            reading = reader.read(opened.film, model=choices.model, point=choices.point)
        except BonefxError:
            return None
        except Exception:
            logger.exception("a film could not be read ahead")
            return None
        return ReadyFilm(source=source, shown=ShownFilm(opened=opened, reading=reading))


def _others_wait() -> bool:
    """Return whether requests wait in the queue of the page whose event is being handled."""
    page = LocalContext.blocks.get(None)
    return page is not None and len(page._queue) > 0
