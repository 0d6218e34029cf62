"""Event handlers of the Worklist screen. Each takes the session's list as an argument."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr

from bonefx.errors import BonefxError, SettingsError, UnreadableRadiographError
from bonefx.reading.reader import Reader
from bonefx.reading.second_opinion import second_model
from bonefx.reading.worklist import read_worklist, rows_at_point, with_second_verdicts
from bonefx.reading.worklist_row import WorklistRow
from bonefx.reading.worklist_tables import worklist_csv
from bonefx.web.service.faults import with_reference
from bonefx.web.shared import verdict_card
from bonefx.web.shared.components import point_choice
from bonefx.web.shared.downloads import Download
from bonefx.web.shared.error_messages import as_sentence, show_errors_to_user
from bonefx.web.shared.navigation import OpenedRow, list_position
from bonefx.web.worklist.session_list import LIST_EXPIRED, SessionList, SessionLists
from bonefx.web.worklist.state import ControlsUpdate, ListUpdate, ModelUpdate
from bonefx.web.worklist.table import (
    HeadsHtml,
    TableValue,
    gone_value,
    message_value,
    row_html,
    table_value,
)

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
        """Read a queued list; yield the table after each film, until it is stopped or replaced.

        The second model reads the films when the first has read all of them, so that the most
        urgent films are known early.
        """
        if session_list is None or not session_list.claim():
            return
        shown, heads = [row_html(row) for row in session_list.rows], HeadsHtml()
        sequence_number = session_list.sequence_number
        try:
            for row in self._rows(session_list, sequence_number, model=model, point=point):
                session_list.rows.append(row)
                shown.append(row_html(row))
                yield table_value(session_list, shown, heads=heads)
            for index, row in enumerate(self._second_verdicts(session_list, sequence_number)):
                session_list.rows[index] = row
                shown[index] = row_html(row)
                yield table_value(session_list, shown, read_twice=index + 1, heads=heads)
        finally:
            if session_list.sequence_number == sequence_number:
                session_list.running = False
        if session_list.sequence_number == sequence_number and not session_list.closed:
            yield table_value(session_list, shown, heads=heads)

    def on_settled(self, session_list: SessionList | None) -> ControlsUpdate:
        """Enable the controls that can be used now."""
        running = session_list is not None and session_list.running
        has_rows = session_list is not None and bool(session_list.rows)
        stopped = session_list is not None and session_list.stopped_early
        return ControlsUpdate(
            stop=gr.Button(interactive=running, visible=running or not stopped),
            resume=gr.Button(visible=stopped and not running),
            save=gr.Button(interactive=has_rows and not running),
            model=gr.Radio(interactive=not running),
            point=gr.Radio(interactive=not running),
        )

    def on_stop(self, session_list: SessionList | None, listed: int) -> Any:
        """Read no more films after those in progress.

        Args:
            session_list: The session's list.
            listed: Key of the list on the page; 0 for none.
        """
        if session_list is None:
            return gone_value(listed) if listed else gr.skip()
        session_list.stop()
        return gr.skip() if session_list.running else _complete_table(session_list)

    @show_errors_to_user
    def on_continue(self, session_list: SessionList | None, listed: int) -> ListUpdate:
        """Queue the films of a stopped list that are still to be read.

        Args:
            session_list: The session's list.
            listed: Key of the list on the page.
        """
        if session_list is None or session_list.closed:
            return ListUpdate(session_list=None, listed=listed, table=gone_value(listed))
        session_list.queue_rest()
        return ListUpdate(
            session_list=session_list, listed=listed, table=_complete_table(session_list)
        )

    def on_fault(self, session_list: SessionList | None) -> TableValue:
        """Keep the rows that were read, and report that the program failed."""
        if session_list is None:
            return message_value(with_reference(LIST_FAULT))
        session_list.replace_rows(session_list.rows)
        value = _complete_table(session_list)
        value["message_html"] = with_reference(LIST_FAULT)
        return value

    @show_errors_to_user
    def on_model(self, model: str, session_list: SessionList | None, listed: int) -> ModelUpdate:
        """Offer another model's operating points, and queue the list for this model.

        Args:
            model: Name of the model.
            session_list: The session's list.
            listed: Key of the list on the page; 0 for none.
        """
        loaded = self.reader.model(model)
        point = point_choice(loaded, loaded.point())
        if session_list is None and not listed:
            return ModelUpdate(point=point, table=gr.skip())
        if session_list is None or session_list.closed:
            return ModelUpdate(point=point, table=gone_value(listed))
        session_list.queue()
        return ModelUpdate(point=point, table=table_value(session_list, []))

    def on_caution(self, model: str) -> str:
        """Show why a model should not be used for reading; nothing for other models."""
        return verdict_card.caution_html(self.reader.caution(model))

    @show_errors_to_user
    def on_point(self, point: str, session_list: SessionList | None, listed: int) -> Any:
        """Decide all verdicts at another operating point, without the network.

        Args:
            point: Name of the operating point.
            session_list: The session's list.
            listed: Key of the list on the page; 0 for none.
        """
        if session_list is None and listed:
            return gone_value(listed)
        if session_list is None or session_list.running:
            return gr.skip()
        session_list.replace_rows(rows_at_point(self.reader, session_list.rows, point))
        return _complete_table(session_list)

    @show_errors_to_user
    def on_open(
        self, session_list: SessionList | None, row: OpenedRow, event: gr.EventData
    ) -> None:
        """Keep which row was opened.

        Args:
            session_list: The session's list.
            row: The session's opened row, which is changed.
            event: Names the row.

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
        row.open(session_list.row_at(place, position, following=event.following))

    @show_errors_to_user
    def on_cases(self, session_list: SessionList | None, event: gr.EventData) -> Any:
        """Join the selected films to one case, or split them into cases of one film each.

        Nothing changes while films are read, and for films of an earlier state of the table.

        Raises:
            UnreadableRadiographError: The list expired.
        """
        if session_list is None or session_list.closed:
            raise UnreadableRadiographError(LIST_EXPIRED)
        known = range(1, len(session_list.films) + 1)
        places = [place for place in map(int, event.places) if place in known]
        is_stale = event.number != session_list.sequence_number
        if session_list.running or is_stale or not places:
            return gr.skip()
        before = session_list.case_choices
        joins = event.action == "join"
        session_list.choose_cases(before.joined(places) if joins else before.split(places))
        return _complete_table(session_list)

    def on_save(self, session_list: SessionList | None) -> Download:
        """Return the table as CSV, the most urgent case first.

        Raises:
            SettingsError: The list expired.
        """
        if session_list is None:
            raise SettingsError(LIST_EXPIRED)
        content = worklist_csv(session_list.rows, session_list.case_choices)
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
            return ListUpdate(session_list=None, listed=0, table=message_value(as_sentence(error)))
        session_list.queue()
        return ListUpdate(
            session_list=session_list, listed=session_list.key, table=table_value(session_list, [])
        )

    def _rows(
        self, session_list: SessionList, sequence_number: int, *, model: str, point: str
    ) -> Iterator[WorklistRow]:
        """Read the films of a list until it is stopped or its sequence number changes."""
        before = list(session_list.rows)
        rest = session_list.films[len(before) :]
        films = _while_current(session_list, sequence_number, rest)
        rows = read_worklist(self.reader, films, model=model, point=point, before=before)
        return _while_current(session_list, sequence_number, rows)

    def _second_verdicts(
        self, session_list: SessionList, sequence_number: int
    ) -> Iterator[WorklistRow]:
        """Add the second model's verdicts to a list's rows, as long as _rows; none without one."""
        read = list(session_list.rows)
        models = {row.reading.model for row in read if row.reading is not None}
        if not any(second_model(self.reader, model) for model in models):
            return iter(())
        rows = _while_current(session_list, sequence_number, read)
        twice = with_second_verdicts(self.reader, rows)
        return _while_current(session_list, sequence_number, twice)


Item = TypeVar("Item")


def _while_current(
    session_list: SessionList, sequence_number: int, items: Iterable[Item]
) -> Iterator[Item]:
    """Yield items until a list is stopped or its sequence number changes."""

    def may_continue(_: Item) -> bool:
        return session_list.may_continue and session_list.sequence_number == sequence_number

    return itertools.takewhile(may_continue, items)


def _complete_table(session_list: SessionList) -> TableValue:
    """Return the table with all rows that were read."""
    return table_value(session_list, [row_html(row) for row in session_list.rows])
