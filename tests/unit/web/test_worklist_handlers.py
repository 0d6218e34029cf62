"""Handlers of the worklist: a list is read once, can be stopped, and opens only its own films."""

import gradio as gr
import pytest
import torch

from bonefx.errors import SettingsError
from bonefx.reading.reader import Reader
from bonefx.records import NO_CHOICES
from bonefx.web.shared.gone_film import LIST_GONE
from bonefx.web.shared.navigation import NO_POSITION, ListRow, OpenedRow, list_position
from bonefx.web.worklist.handlers import LIST_FAULT, WorklistHandlers
from bonefx.web.worklist.session_list import SessionLists
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder, make_pair


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    make_model_folder(weights)
    return Reader.from_folder(weights, device=torch.device("cpu"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def handlers(reader):
    return WorklistHandlers(reader=reader, session_lists=SessionLists())


@pytest.fixture
def session_list(handlers, tmp_path):
    """Return a queued list of six films."""
    queued = handlers.session_lists.open("session")
    for index in range(6):
        (tmp_path / f"{index}.png").write_bytes(make_png(seed=index))
    queued.add_uploads(sorted(str(path) for path in tmp_path.glob("*.png")), from_folder=False)
    queued.queue()
    yield queued
    queued.close()


def run(handlers, session_list, *, point="balanced"):
    return handlers.on_run(session_list, "tiny", point)


def stop_after(updates, handlers, session_list):
    """Stop a list after some updates of its table; return the updates after that."""
    running = run(handlers, session_list)
    for _ in range(updates):
        next(running)
    handlers.on_stop(session_list, session_list.key)
    return list(running)


def test_the_table_is_updated_after_each_film_and_ends_with_a_summary(handlers, session_list):
    values = list(run(handlers, session_list))
    assert [len(value["rows"]) for value in values] == [1, 2, 3, 4, 5, 6, 6]
    assert values[2]["running"] == "3 of 6 films read"
    assert (values[-1]["running"], values[-1]["done"]) == ("", 1.0)
    assert "<b>6</b> films" in values[-1]["message_html"]
    assert not session_list.running


def test_the_second_model_reads_a_list_after_the_first(pair, session_list):
    handlers = WorklistHandlers(reader=pair, session_lists=SessionLists())
    values = list(run(handlers, session_list))
    assert [len(value["rows"]) for value in values] == [1, 2, 3, 4, 5, 6] + 7 * [6]
    assert values[7]["running"] == "6 of 6 films read; second model 2 of 6"
    assert [("other: " in row) for row in values[7]["rows"]] == [True, True] + 4 * [False]
    assert all("other: " in row for row in values[-1]["rows"])
    disagreeing = sum(row.reading.models_disagree for row in session_list.rows)
    words = f"second model disagrees on <b>{disagreeing}</b>"
    assert (words in values[-1]["message_html"]) == bool(disagreeing)


def test_a_list_stopped_before_the_second_model_keeps_the_first_verdicts(pair, session_list):
    handlers = WorklistHandlers(reader=pair, session_lists=SessionLists())
    (last,) = stop_after(8, handlers, session_list)
    assert [row.reading.second is not None for row in session_list.rows] == 2 * [True] + 4 * [False]
    assert "second model did not read <b>4</b>" in last["message_html"]
    assert "stopped" not in last["message_html"]


def test_a_queued_list_is_read_once(handlers, session_list):
    assert len(list(run(handlers, session_list))) == 7
    assert list(run(handlers, session_list)) == []
    assert list(run(handlers, None)) == []


def test_a_stopped_list_keeps_its_rows_and_counts_missing_films(handlers, session_list):
    running = run(handlers, session_list)
    next(running)
    assert handlers.on_stop(session_list, session_list.key) == gr.skip()
    (last,) = list(running)
    assert len(last["rows"]) == len(session_list.rows) == 1
    assert "<b>5</b> not read" in last["message_html"]


@pytest.mark.parametrize("read", [1, 4])
def test_a_stopped_list_is_continued_where_it_stopped(handlers, session_list, read):
    stop_after(read, handlers, session_list)
    before = list(session_list.rows)
    controls = handlers.on_settled(session_list)
    assert (controls.resume.visible, controls.stop.visible) == (True, False)
    update = handlers.on_continue(session_list, session_list.key)
    assert len(update.table["rows"]) == read
    values = list(run(handlers, session_list))
    assert [len(value["rows"]) for value in values] == [*range(read + 1, 7), 6]
    assert session_list.rows[:read] == before
    assert [row.place for row in session_list.rows] == [1, 2, 3, 4, 5, 6]
    assert not handlers.on_settled(session_list).resume.visible


def test_a_reading_that_had_not_noticed_the_stop_ends_when_the_list_is_continued(
    handlers, session_list
):
    running = run(handlers, session_list)
    next(running)
    handlers.on_stop(session_list, session_list.key)
    handlers.on_continue(session_list, session_list.key)
    assert list(running) == []
    list(run(handlers, session_list))
    assert [row.place for row in session_list.rows] == [1, 2, 3, 4, 5, 6]


def test_a_continued_list_that_is_stopped_before_its_turn_keeps_its_rows(handlers, session_list):
    stop_after(1, handlers, session_list)
    handlers.on_continue(session_list, session_list.key)
    value = handlers.on_stop(session_list, session_list.key)
    assert len(value["rows"]) == 1
    handlers.on_stop(session_list, session_list.key)  # a second click
    assert handlers.on_settled(session_list).resume.visible


def test_stopping_a_list_lost_in_a_restart_says_so(handlers):
    assert LIST_GONE in handlers.on_stop(None, 17)["message_html"]
    assert handlers.on_stop(None, 0) == gr.skip()


def test_second_verdicts_are_continued_after_a_stop(pair, session_list):
    handlers = WorklistHandlers(reader=pair, session_lists=SessionLists())
    stop_after(8, handlers, session_list)
    handlers.on_continue(session_list, session_list.key)
    list(run(handlers, session_list))
    assert all(row.reading.second is not None for row in session_list.rows)


@pytest.mark.parametrize("gone", ["closed", "restarted"])
def test_a_list_that_is_gone_is_not_continued(handlers, session_list, gone):
    key = session_list.key
    session_list.close()
    update = handlers.on_continue(session_list if gone == "closed" else None, key)
    assert LIST_GONE in update.table["message_html"]


def test_a_queued_list_can_be_stopped_before_it_is_read(handlers, session_list):
    value = handlers.on_stop(session_list, session_list.key)
    assert "<b>6</b> not read" in value["message_html"]
    assert list(run(handlers, session_list)) == []


def test_a_replaced_list_yields_no_more_updates(handlers, session_list):
    running = run(handlers, session_list)
    next(running)
    handlers.session_lists.open("session")
    assert list(running) == []


def test_another_model_starts_from_the_first_film_and_ends_the_reading_before(
    handlers, session_list
):
    running = run(handlers, session_list)
    next(running)
    handlers.on_model("tiny", session_list, session_list.key)
    again = list(run(handlers, session_list))
    assert list(running) == []
    assert [len(value["rows"]) for value in again] == [1, 2, 3, 4, 5, 6, 6]
    assert [row.place for row in session_list.rows] == [1, 2, 3, 4, 5, 6]


def test_another_operating_point_changes_the_verdicts_of_a_list_that_was_read(
    handlers, session_list
):
    assert (
        handlers.on_point("screening", session_list, session_list.key) == gr.skip()
    )  # still queued
    list(run(handlers, session_list))
    number = session_list.sequence_number
    value = handlers.on_point("screening", session_list, session_list.key)
    assert value["number"] > number
    assert {row.reading.point.name for row in session_list.rows} == {"screening"}


def opening_of(session_list, *, place, opening):
    """Return the event of opening a row from the navigation bar."""
    number = session_list.sequence_number
    row = {"index": place, "number": number, "by_navigation": True, "opening": opening}
    row["following"] = 1
    return gr.EventData(None, row)


def test_a_row_opens_its_film(handlers, session_list):
    list(run(handlers, session_list))
    opened = OpenedRow()
    handlers.on_open(session_list, opened, opening_of(session_list, place=3, opening=7))
    row = opened.newest()
    assert row.source is session_list.films[2]
    assert row.following is session_list.films[0]
    assert row.position == {
        "list": session_list.key, "place": 3, "by_navigation": True, "opening": 7
    }  # fmt: skip


def test_a_request_that_was_overtaken_brings_no_earlier_row_back(handlers, session_list):
    list(run(handlers, session_list))
    opened = OpenedRow()
    for place, opening in ((1, 4), (3, 6), (2, 5)):
        event = opening_of(session_list, place=place, opening=opening)
        handlers.on_open(session_list, opened, event)
    row = opened.newest()
    assert (row.source, row.position["place"]) == (session_list.films[2], 3)
    other = list_position(list_key=1, place=1, by_navigation=False, opening=1)
    first = ListRow(source=session_list.films[0], position=other)
    opened.open(first)  # of another list, which the page counts anew
    assert opened.newest() is first


def test_an_opened_row_tells_the_films_of_its_case_as_they_are_grouped_now(handlers, session_list):
    list(run(handlers, session_list))
    opened = OpenedRow()
    handlers.on_open(session_list, opened, opening_of(session_list, place=3, opening=1))
    row = opened.newest()
    source, films_of_case = row.source, row.case
    assert opened.at(row.position) is row
    assert films_of_case() == {3: source}
    session_list.choose_cases(NO_CHOICES.joined([3, 1]))
    assert films_of_case() == {1: session_list.films[0], 3: source}
    assert opened.at(row.position | {"place": 1}) is None
    assert OpenedRow().at(NO_POSITION) is None
    session_list.close()
    with pytest.raises(SettingsError, match="choose them again"):
        films_of_case()


@pytest.mark.parametrize("gone", ["late row", "closed", "expired"])
def test_a_row_of_an_expired_list_opens_nothing(handlers, session_list, gone):
    number = session_list.sequence_number - (gone == "late row")
    if gone == "closed":
        session_list.close()
    event = gr.EventData(None, {"index": 1, "number": number})
    with pytest.raises(gr.Error, match="the program restarted; choose them again"):
        handlers.on_open(None if gone == "expired" else session_list, OpenedRow(), event)


@pytest.mark.parametrize("listed", [0, 17])
def test_choices_about_a_list_lost_in_a_restart_say_so(handlers, listed):
    if listed:
        for table in (
            handlers.on_model("tiny", None, listed).table,
            handlers.on_point("balanced", None, listed),
        ):
            assert (table["list"], table["rows"]) == (listed, None)
            assert LIST_GONE in table["message_html"]
    else:
        assert handlers.on_model("tiny", None, listed).table == gr.skip()
        assert handlers.on_point("balanced", None, listed) == gr.skip()


def test_a_fault_keeps_the_rows_and_is_reported(handlers, session_list, monkeypatch):
    running = run(handlers, session_list)
    for _ in range(4):
        next(running)

    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(Reader, "read_batch", fail)
    with pytest.raises(RuntimeError):
        next(running)
    assert not session_list.running
    value = handlers.on_fault(session_list)
    assert (len(value["rows"]), value["message_html"]) == (4, LIST_FAULT)


def test_the_list_is_closed_when_its_session_ends(handlers, session_list):
    class Request:
        session_hash = "session"

    handlers.on_unload(Request())
    assert session_list.closed
    assert list(run(handlers, session_list)) == []


def test_controls_are_enabled_by_the_state_of_the_list(handlers, session_list):
    def enabled():
        controls = handlers.on_settled(session_list)
        parts = (controls.stop, controls.save, controls.model, controls.point)
        return [part.interactive for part in parts]

    assert enabled() == [True, False, False, False]
    list(run(handlers, session_list))
    assert enabled() == [False, True, True, True]
