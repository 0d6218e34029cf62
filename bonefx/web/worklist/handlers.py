"""Event handlers of the Worklist screen. Each takes the session's list as an argument."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from bonefx.errors import BonefxError, SettingsError, UnreadableRadiographError
from bonefx.films.sources import FilmSource
from bonefx.reading.reader import Reader
from bonefx.reading.worklist import WorklistRow, read_worklist, rows_at_point, worklist_csv
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import point_choice
from bonefx.web.shared.downloads import Download
from bonefx.web.shared.error_messages import as_sentence, show_errors_to_user
from bonefx.web.shared.navigation import list_position
from bonefx.web.worklist.session_list import SessionList, SessionLists
from bonefx.web.worklist.state import ControlsUpdate, ListUpdate, ModelUpdate, OpenedRow
from bonefx.web.worklist.table import TableValue, message_value, row_html, table_value

LIST_EXPIRED = "the films of this list were deleted after one hour; choose them again"
NO_FILM = "no film was found; choose PNG, JPEG, TIFF, WebP, BMP or DICOM, or zip archives of them"
LIST_FAULT = (
    "The program failed on this list. This is a fault in bonefx; the server's log has the details."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistHandlers:
    """Handlers of the screen.

    Attributes:
        reader: Holds the loaded models.
        session_lists: The lists of all sessions.
    """

    reader: Reader
    session_lists: SessionLists

    def on_films(self, uploads: list[str] | None, request: gr.Request) -> ListUpdate:
        """Make a list of films and archives that were chosen one by one."""
        return self._new_list(uploads, request.session_hash, from_folder=False)

    def on_folder(self, uploads: list[str] | None, request: gr.Request) -> ListUpdate:
        """Make a list of the films of a folder."""
        return self._new_list(uploads, request.session_hash, from_folder=True)

    def on_run(
        self, session_list: SessionList | None, model: str, point: str
    ) -> Iterator[TableValue]:
        """Read a queued list; yield the table after each film, until it is stopped or replaced."""
        if session_list is None or not session_list.claim():
            return
        shown, sequence_number = list[str](), session_list.sequence_number
        try:
            for row in self._rows(session_list, sequence_number, model=model, point=point):
                session_list.rows.append(row)
                shown.append(row_html(row))
                yield table_value(session_list, shown)
        finally:
            if session_list.sequence_number == sequence_number:
                session_list.running = False
        if session_list.sequence_number == sequence_number and not session_list.closed:
            yield table_value(session_list, shown)

    def on_settled(self, session_list: SessionList | None) -> ControlsUpdate:
        """Enable the controls that can be used now."""
        running = session_list is not None and session_list.running
        has_rows = session_list is not None and bool(session_list.rows)
        return ControlsUpdate(
            stop=gr.Button(interactive=running),
            save=gr.Button(interactive=has_rows and not running),
            model=gr.Radio(interactive=not running),
            point=gr.Radio(interactive=not running),
        )

    def on_stop(self, session_list: SessionList | None) -> Any:
        """Read no more films after those in progress."""
        if session_list is None:
            return gr.skip()
        session_list.stop()
        return gr.skip() if session_list.running else table_value(session_list, [])

    def on_fault(self, session_list: SessionList | None) -> TableValue:
        """Keep the rows that were read, and report that the program failed."""
        if session_list is None:
            return message_value(LIST_FAULT)
        session_list.replace_rows(session_list.rows)
        value = _complete_table(session_list)
        value["message_html"] = LIST_FAULT
        return value

    @show_errors_to_user
    def on_model(self, model: str, session_list: SessionList | None) -> ModelUpdate:
        """Offer another model's operating points, and queue the list for this model."""
        loaded = self.reader.model(model)
        point = point_choice(loaded, loaded.point())
        if session_list is None:
            return ModelUpdate(point=point, table=gr.skip())
        if session_list.closed:
            raise UnreadableRadiographError(LIST_EXPIRED)
        session_list.queue()
        return ModelUpdate(point=point, table=table_value(session_list, []))

    def on_caution(self, model: str) -> str:
        """Show why a model should not be used for reading; nothing for other models."""
        return verdict_card.caution_html(self.reader.caution(model))

    @show_errors_to_user
    def on_point(self, point: str, model: str, session_list: SessionList | None) -> Any:
        """Decide all verdicts at another operating point, without the network."""
        if session_list is None or session_list.running:
            return gr.skip()
        chosen = self.reader.model(model).point(point)
        session_list.replace_rows(rows_at_point(session_list.rows, chosen))
        return _complete_table(session_list)

    @show_errors_to_user
    def on_open(self, session_list: SessionList | None, event: gr.EventData) -> OpenedRow:
        """Choose the film of a row.

        Raises:
            UnreadableRadiographError: The list expired, or the row is of an earlier list.
        """
        if (
            session_list is None
            or session_list.closed
            or event.number != session_list.sequence_number
        ):
            raise UnreadableRadiographError(LIST_EXPIRED)
        place = int(event.index)
        position = list_position(
            list_key=session_list.key,
            place=place,
            by_navigation=bool(event.by_navigation),
            opening=int(event.opening),
        )
        return OpenedRow(chosen=session_list.films[place - 1], step=position)

    def on_save(self, session_list: SessionList | None) -> Download:
        """Return the table as CSV, the most urgent film first.

        Raises:
            SettingsError: The list expired.
        """
        if session_list is None:
            raise SettingsError(LIST_EXPIRED)
        content = worklist_csv(session_list.rows)
        return Download(name="worklist.csv", media_type="text/csv", content=content)

    def on_unload(self, request: gr.Request) -> None:
        """Delete the films of a session that ended."""
        self.session_lists.close(request.session_hash)

    def _new_list(
        self, uploads: Sequence[str] | None, session: str | None, *, from_folder: bool
    ) -> ListUpdate:
        session_list = self.session_lists.open(session)
        try:
            session_list.add_uploads(uploads or [], from_folder=from_folder)
            if not session_list.films:
                raise UnreadableRadiographError(NO_FILM)
        except BonefxError as error:
            session_list.close()
            return ListUpdate(session_list=None, table=message_value(as_sentence(error)))
        session_list.queue()
        return ListUpdate(session_list=session_list, table=table_value(session_list, []))

    def _rows(
        self, session_list: SessionList, sequence_number: int, *, model: str, point: str
    ) -> Iterator[WorklistRow]:
        """Read the films of a list until it is stopped or its sequence number changes."""

        def may_continue(_: FilmSource | WorklistRow) -> bool:
            return session_list.may_continue and session_list.sequence_number == sequence_number

        films = itertools.takewhile(may_continue, session_list.films)
        rows = read_worklist(self.reader, films, model=model, point=point)
        return itertools.takewhile(may_continue, rows)


def _complete_table(session_list: SessionList) -> TableValue:
    """Return the table with all rows that were read."""
    return table_value(session_list, [row_html(row) for row in session_list.rows])
