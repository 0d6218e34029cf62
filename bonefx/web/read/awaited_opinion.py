"""The second model's opinion, which follows the verdict on the Read screen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bonefx.reading.second_opinion import at_point, with_second_opinion
from bonefx.web.read.choices import Choices
from bonefx.web.read.film_updates import FilmUpdates
from bonefx.web.read.state import SecondUpdate, ShownFilm
from bonefx.web.shared.newest_film import Openings
from bonefx.web.shared.viewer import film_figure


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
