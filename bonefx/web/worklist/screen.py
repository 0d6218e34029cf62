"""The screen for many films: give them, watch the most urgent rise, open one, keep the table.

Only the table's value tells of a list, as one piece with a number, so that no late word of a list
before it can stand beside the rows of the next. Lists wait in a queue of their own: a single film
is read while they run.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from bonefx.errors import BonefxError, SettingsError, UnreadableRadiographError
from bonefx.films.sources import FilmSource
from bonefx.reading.reader import Reader
from bonefx.reading.worklist import read_worklist, row_table, rows_at_point, worklist_csv
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import PRIVATE_EVENT, UNQUEUED_EVENT, html_block, point_choice
from bonefx.web.shared.downloads import Download, offer_download
from bonefx.web.shared.error_messages import as_sentence, show_errors_to_user
from bonefx.web.shared.navigation import ListPosition, list_position
from bonefx.web.worklist.session_list import KEEP_S, SessionList, SessionLists, close_list
from bonefx.web.worklist.table import (
    ROWS_JS,
    TableValue,
    no_list,
    row_html,
    table_shell,
    table_value,
)

LISTS_AT_ONCE = 2
OWN_QUEUE: dict[str, Any] = {"concurrency_id": "worklist", "concurrency_limit": LISTS_AT_ONCE}
LIST_EXPIRED = "the films of this list are no longer kept; give them again"
NO_FILM = "no film was found; give PNG, JPEG, TIFF, WebP, BMP or DICOM, or zip archives of them"
LIST_FAULT = "The program failed on this list, and the fault is ours. The server's log says more."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WorklistParts:
    """What the page needs to join the worklist to the rest of it.

    Attributes:
        chosen: Holds the FilmSource of the row that was opened last; read() gives its film.
        step: Where that row stands in the list.
        opened: The event of opening a row; what follows it on success may take chosen.
        model: Name of the model that reads the list.
        point: Name of the operating point that the verdicts are taken at.
        on_unload: Deletes a session's films; for the page's unload event.
    """

    chosen: gr.State
    step: gr.State
    opened: Any
    model: gr.Radio
    point: gr.Radio
    on_unload: Callable[[gr.Request], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistScreen:
    """Handlers of the screen; each takes the session's list as an argument."""

    reader: Reader
    listings: SessionLists

    def on_films(self, uploads: list[str] | None, request: gr.Request) -> tuple[Any, ...]:
        """Take over films and archives that were chosen one by one."""
        return self._take(uploads, request.session_hash, chosen=True)

    def on_folder(self, uploads: list[str] | None, request: gr.Request) -> tuple[Any, ...]:
        """Take over the files of a folder."""
        return self._take(uploads, request.session_hash, chosen=False)

    def on_run(self, listing: SessionList | None, model: str, point: str) -> Iterator[TableValue]:
        """Read a list that waits; tell after each film, until it is stopped or replaced."""
        if listing is None or not listing.begin():
            return
        number, told = listing.number, list[str]()

        def goes_on(_: FilmSource | None = None) -> bool:
            return listing.goes_on and listing.number == number

        films = itertools.takewhile(goes_on, listing.films)
        try:
            for row in read_worklist(self.reader, films, model=model, point=point):
                if not goes_on():
                    break
                listing.rows.append(row)
                told.append(row_html(row))
                yield table_value(listing, told)
        finally:
            listing.running = listing.running and listing.number != number
        if listing.number == number and not listing.closed:
            yield table_value(listing, told)

    def on_settled(self, listing: SessionList | None) -> tuple[Any, ...]:
        """Offer what can be done now: stop, keep the table, choose another model or point."""
        runs = listing is not None and listing.running
        has_rows = listing is not None and bool(listing.rows)
        return (
            gr.Button(interactive=runs),
            gr.Button(interactive=has_rows and not runs),
            gr.Radio(interactive=not runs),
            gr.Radio(interactive=not runs),
        )

    def on_stop(self, listing: SessionList | None) -> Any:
        """Read no more films after those at hand."""
        if listing is None:
            return gr.skip()
        listing.halt()
        return gr.skip() if listing.running else table_value(listing, [])

    def on_fault(self, listing: SessionList | None) -> TableValue:
        """Keep the rows that were read, and say that the program failed."""
        if listing is None:
            return no_list(LIST_FAULT)
        listing.redraw(listing.rows)
        shown = table_value(listing, [row_html(row) for row in listing.rows])
        return shown | {"told": LIST_FAULT}

    @show_errors_to_user
    def on_model(self, model: str, listing: SessionList | None) -> tuple[Any, Any]:
        """Offer another model's operating points, and let it read the list."""
        loaded = self.reader.model(model)
        offered = point_choice(loaded, loaded.point())
        if listing is None:
            return offered, gr.skip()
        if listing.closed:
            raise UnreadableRadiographError(LIST_EXPIRED)
        listing.order()
        return offered, table_value(listing, [])

    def on_caution(self, model: str) -> str:
        """Warn of a model that should not read films."""
        return verdict_card.caution_html(self.reader.caution(model))

    @show_errors_to_user
    def on_point(self, point: str, model: str, listing: SessionList | None) -> Any:
        """Take all verdicts again at another operating point; the network is not asked."""
        if listing is None or listing.running:
            return gr.skip()
        listing.redraw(rows_at_point(listing.rows, self.reader.model(model).point(point)))
        return table_value(listing, [row_html(row) for row in listing.rows])

    @show_errors_to_user
    def on_open(
        self, listing: SessionList | None, event: gr.EventData
    ) -> tuple[FilmSource, ListPosition]:
        """Choose the film of a row; a row of a list that is gone opens nothing."""
        if listing is None or listing.closed or event.number != listing.number:
            raise UnreadableRadiographError(LIST_EXPIRED)
        place = int(event.index)
        step = list_position(
            list_key=listing.key,
            place=place,
            walked=bool(event.walked),
            opening=int(event.opening),
        )
        return listing.films[place - 1], step

    def on_save(self, listing: SessionList | None) -> Download:
        """Make the table, most urgent first, for the user to keep."""
        if listing is None:
            raise SettingsError(LIST_EXPIRED)
        return Download(
            name="worklist.csv", media_type="text/csv", content=worklist_csv(listing.rows)
        )

    def on_unload(self, request: gr.Request) -> None:
        """Delete the films of a session that ended."""
        self.listings.close(request.session_hash)

    def on_api(self, films: list[str], point: str | None = None) -> list[dict[str, Any]]:
        """Read many bone radiographs for fractures. Research software, not a medical device.

        Args:
            films: Files of PNG, JPEG, TIFF, WebP, BMP or DICOM, and zip archives of them; deleted
                when read.
            point: Name of an operating point; the model's own choice if empty.

        Returns:
            A table a film, in the order given: place, film (its name), urgency (0 to 4, smaller is
            more urgent), verdict (fracture, no_fracture, review or out_of_scope), probability
            (calibrated, 0 to 1), reason, error (why it was not read), same_as (place of a film
            with the same bytes), sha256, model, weights_sha256, point, threshold and caution (why
            films should not be read with this model).
        """
        listing = SessionList()
        try:
            listing.take(films or [], chosen=True)
            rows = read_worklist(self.reader, listing.films, point=point or None, thumbnails=False)
            return [row_table(row) for row in rows]
        finally:
            listing.close()

    def _take(
        self, uploads: Sequence[str] | None, session: str | None, *, chosen: bool
    ) -> tuple[Any, ...]:
        listing = self.listings.open(session)
        try:
            listing.take(uploads or [], chosen=chosen)
            if not listing.films:
                raise UnreadableRadiographError(NO_FILM)
        except BonefxError as error:
            listing.close()
            return None, None, None, no_list(as_sentence(error))
        listing.order()
        return None, None, listing, table_value(listing, [])


def build_worklist(reader: Reader) -> WorklistParts:
    """Lay the screen out and join it to its handlers; call it inside gr.Blocks."""
    screen = WorklistScreen(reader=reader, listings=SessionLists())
    first = reader.model()
    with gr.Column(elem_id="worklist"):
        with gr.Row(elem_id="list-given"):
            films = gr.File(
                label="Films", show_label=False, file_count="multiple", elem_id="films", height=56
            )
            folder = gr.File(
                label="Folder", show_label=False, file_count="directory", elem_id="folder",
                height=56,
            )  # fmt: skip
            model = gr.Radio(
                [loaded.name for loaded in reader.models], value=first.name,
                label="Model", elem_id="list-model", visible=len(reader.models) > 1,
            )  # fmt: skip
            point = point_choice(
                first, first.point(), label="Operating point", elem_id="list-point"
            )
            stop = gr.Button("Stop", elem_id="list-stop", interactive=False)
            save = gr.Button("Download CSV", elem_id="list-save", interactive=False)
        warned = html_block(verdict_card.caution_html(reader.caution()), "list-caution")
        table = gr.HTML(
            no_list(), html_template=table_shell(), js_on_load=ROWS_JS, elem_id="list",
            apply_default_css=False,
        )  # fmt: skip
    listing = gr.State(None, time_to_live=KEEP_S, delete_callback=close_list)
    chosen, step = gr.State(None), gr.State(None)
    settled = (screen.on_settled, [listing], [stop, save, model, point])
    _join_lists(screen, settled, [films, folder, listing, table])
    stop.click(screen.on_stop, listing, table, **UNQUEUED_EVENT).then(*settled, **UNQUEUED_EVENT)
    model.input(screen.on_caution, model, warned, **UNQUEUED_EVENT)
    point.input(screen.on_point, [point, model, listing], table, **UNQUEUED_EVENT)
    offer_download(save, screen.on_save, [listing])
    opened = table.select(screen.on_open, listing, [chosen, step], **UNQUEUED_EVENT)
    _offer_api(screen, point)
    return WorklistParts(
        chosen=chosen,
        step=step,
        opened=opened,
        model=model,
        point=point,
        on_unload=screen.on_unload,
    )


def _join_lists(screen: WorklistScreen, settled: tuple[Any, ...], given: list[Any]) -> None:
    """Take a list over at once, then read it when it is its turn."""
    films, folder, listing, table = given
    model, point = settled[2][2:]
    for trigger, handler, inputs, outputs in (
        (films.upload, screen.on_films, [films], given),
        (folder.upload, screen.on_folder, [folder], given),
        (model.input, screen.on_model, [model, listing], [point, table]),
    ):
        ready = trigger(handler, inputs, outputs, **UNQUEUED_EVENT)
        ready.then(*settled, **UNQUEUED_EVENT)
        run = ready.success(
            screen.on_run, [listing, model, point], table,
            trigger_mode="multiple", **OWN_QUEUE, **PRIVATE_EVENT,
        )  # fmt: skip
        run.failure(screen.on_fault, listing, table, **UNQUEUED_EVENT)
        run.then(*settled, **UNQUEUED_EVENT)


def _offer_api(screen: WorklistScreen, point: gr.Radio) -> None:
    films = gr.File(file_count="multiple", label="Films", visible=False)
    gr.Button(visible=False).click(
        show_errors_to_user(screen.on_api), [films, point], gr.JSON(visible=False),
        api_name="worklist", **OWN_QUEUE,
    )  # fmt: skip
