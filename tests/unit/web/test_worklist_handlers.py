"""The worklist's handlers: a list is begun once, stops when told, and opens only its own films."""

import gradio as gr
import pytest
import torch

from bonefx.reading.reader import Reader
from bonefx.web.worklist.handlers import LIST_FAULT, WorklistHandlers
from bonefx.web.worklist.session_list import SessionLists
from tests.fixtures.image_files import make_png
from tests.fixtures.model_folders import make_model_folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    make_model_folder(weights)
    return Reader.from_folder(weights, device=torch.device("cpu"))


@pytest.fixture
def screen(reader):
    return WorklistHandlers(reader=reader, session_lists=SessionLists())


@pytest.fixture
def session_list(screen, tmp_path):
    """Six films that wait to be read."""
    taken = screen.session_lists.open("session")
    for index in range(6):
        (tmp_path / f"{index}.png").write_bytes(make_png(seed=index))
    taken.add_uploads(sorted(str(path) for path in tmp_path.glob("*.png")), from_folder=False)
    taken.queue()
    yield taken
    taken.close()


def run(screen, session_list, *, point="balanced"):
    return screen.on_run(session_list, "tiny", point)


def test_each_film_is_told_as_it_is_read_and_the_last_word_counts_them(screen, session_list):
    told = list(run(screen, session_list))
    assert [len(value["rows"]) for value in told] == [1, 2, 3, 4, 5, 6, 6]
    assert told[2]["running"] == "3 of 6 films read"
    assert (told[-1]["running"], told[-1]["done"]) == ("", 1.0)
    assert "<b>6</b> films" in told[-1]["told"]
    assert not session_list.running


def test_an_order_is_read_once(screen, session_list):
    assert len(list(run(screen, session_list))) == 7
    assert list(run(screen, session_list)) == []
    assert list(run(screen, None)) == []


def test_a_stopped_list_keeps_its_rows_and_says_what_is_missing(screen, session_list):
    running = run(screen, session_list)
    next(running)
    assert screen.on_stop(session_list) == gr.skip()
    (last,) = list(running)
    assert len(last["rows"]) == len(session_list.rows) == 1
    assert "<b>5</b> not looked at" in last["told"]


def test_a_list_is_stopped_before_its_turn(screen, session_list):
    told = screen.on_stop(session_list)
    assert "<b>6</b> not looked at" in told["told"]
    assert list(run(screen, session_list)) == []


def test_a_list_that_is_replaced_says_no_more(screen, session_list):
    running = run(screen, session_list)
    next(running)
    screen.session_lists.open("session")
    assert list(running) == []


def test_another_model_reads_from_the_first_and_what_ran_before_says_no_more(screen, session_list):
    running = run(screen, session_list)
    next(running)
    screen.on_model("tiny", session_list)
    again = list(run(screen, session_list))
    assert list(running) == []
    assert [len(value["rows"]) for value in again] == [1, 2, 3, 4, 5, 6, 6]
    assert [row.place for row in session_list.rows] == [1, 2, 3, 4, 5, 6]


def test_another_point_changes_what_is_shown_of_a_list_that_is_read(screen, session_list):
    assert screen.on_point("screening", "tiny", session_list) == gr.skip()  # it is still to be read
    list(run(screen, session_list))
    number = session_list.sequence_number
    told = screen.on_point("screening", "tiny", session_list)
    assert told["number"] > number
    assert {row.reading.point.name for row in session_list.rows} == {"screening"}


def test_a_row_opens_its_film(screen, session_list):
    list(run(screen, session_list))
    told = {"index": 3, "number": session_list.sequence_number, "walked": True, "opening": 7}
    event = gr.EventData(None, told)
    opened = screen.on_open(session_list, event)
    assert opened.chosen is session_list.films[2]
    assert opened.step == {"list": session_list.key, "place": 3, "walked": True, "opening": 7}


@pytest.mark.parametrize("gone", ["late row", "closed", "expired"])
def test_a_row_of_a_list_that_is_gone_opens_nothing(screen, session_list, gone):
    number = session_list.sequence_number - (gone == "late row")
    if gone == "closed":
        session_list.close()
    event = gr.EventData(None, {"index": 1, "number": number})
    with pytest.raises(gr.Error, match="no longer kept; choose them again"):
        screen.on_open(None if gone == "expired" else session_list, event)


def test_a_fault_keeps_the_rows_and_is_said(screen, session_list, monkeypatch):
    running = run(screen, session_list)
    for _ in range(4):
        next(running)

    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(Reader, "read_batch", fail)
    with pytest.raises(RuntimeError):
        next(running)
    assert not session_list.running
    told = screen.on_fault(session_list)
    assert (len(told["rows"]), told["told"]) == (4, LIST_FAULT)


def test_the_end_of_a_session_closes_its_list(screen, session_list):
    class Request:
        session_hash = "session"

    screen.on_unload(Request())
    assert session_list.closed
    assert list(run(screen, session_list)) == []


def test_buttons_follow_the_list(screen, session_list):
    def offered():
        controls = screen.on_settled(session_list)
        parts = (controls.stop, controls.save, controls.model, controls.point)
        return [part.interactive for part in parts]

    assert offered() == [True, False, False, False]
    list(run(screen, session_list))
    assert offered() == [False, True, True, True]
