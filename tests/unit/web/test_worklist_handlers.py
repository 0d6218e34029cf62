"""The worklist's handlers: a list is begun once, stops when told, and opens only its own films."""

import gradio as gr
import pytest
import torch

from bonefx.reading.reader import Reader
from bonefx.web.worklist.screen import LIST_FAULT, WorklistScreen
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
    return WorklistScreen(reader=reader, listings=SessionLists())


@pytest.fixture
def listing(screen, tmp_path):
    """Six films that wait to be read."""
    taken = screen.listings.open("session")
    for index in range(6):
        (tmp_path / f"{index}.png").write_bytes(make_png(seed=index))
    taken.take(sorted(str(path) for path in tmp_path.glob("*.png")), chosen=True)
    taken.order()
    yield taken
    taken.close()


def run(screen, listing, *, point="balanced"):
    return screen.on_run(listing, "tiny", point)


def test_each_film_is_told_as_it_is_read_and_the_last_word_counts_them(screen, listing):
    told = list(run(screen, listing))
    assert [len(value["rows"]) for value in told] == [1, 2, 3, 4, 5, 6, 6]
    assert told[2]["running"] == "3 of 6 films read"
    assert (told[-1]["running"], told[-1]["done"]) == ("", 1.0)
    assert "<b>6</b> films" in told[-1]["told"]
    assert not listing.running


def test_an_order_is_read_once(screen, listing):
    assert len(list(run(screen, listing))) == 7
    assert list(run(screen, listing)) == []
    assert list(run(screen, None)) == []


def test_a_stopped_list_keeps_its_rows_and_says_what_is_missing(screen, listing):
    running = run(screen, listing)
    next(running)
    assert screen.on_stop(listing) == gr.skip()
    (last,) = list(running)
    assert len(last["rows"]) == len(listing.rows) == 1
    assert "<b>5</b> not looked at" in last["told"]


def test_a_list_is_stopped_before_its_turn(screen, listing):
    told = screen.on_stop(listing)
    assert "<b>6</b> not looked at" in told["told"]
    assert list(run(screen, listing)) == []


def test_a_list_that_is_replaced_says_no_more(screen, listing):
    running = run(screen, listing)
    next(running)
    screen.listings.open("session")
    assert list(running) == []


def test_another_model_reads_from_the_first_and_what_ran_before_says_no_more(screen, listing):
    running = run(screen, listing)
    next(running)
    screen.on_model("tiny", listing)
    again = list(run(screen, listing))
    assert list(running) == []
    assert [len(value["rows"]) for value in again] == [1, 2, 3, 4, 5, 6, 6]
    assert [row.place for row in listing.rows] == [1, 2, 3, 4, 5, 6]


def test_another_point_changes_what_is_shown_of_a_list_that_is_read(screen, listing):
    assert screen.on_point("screening", "tiny", listing) == gr.skip()  # it is still to be read
    list(run(screen, listing))
    number = listing.number
    told = screen.on_point("screening", "tiny", listing)
    assert told["number"] > number
    assert {row.reading.point.name for row in listing.rows} == {"screening"}


def test_a_row_opens_its_film(screen, listing):
    list(run(screen, listing))
    told = {"index": 3, "number": listing.number, "walked": True, "opening": 7}
    event = gr.EventData(None, told)
    film, step = screen.on_open(listing, event)
    assert film is listing.films[2]
    assert step == {"list": listing.key, "place": 3, "walked": True, "opening": 7}


@pytest.mark.parametrize("gone", ["late row", "closed", "expired"])
def test_a_row_of_a_list_that_is_gone_opens_nothing(screen, listing, gone):
    number = listing.number - (gone == "late row")
    if gone == "closed":
        listing.close()
    event = gr.EventData(None, {"index": 1, "number": number})
    with pytest.raises(gr.Error, match="no longer kept; give them again"):
        screen.on_open(None if gone == "expired" else listing, event)


def test_a_fault_keeps_the_rows_and_is_said(screen, listing, monkeypatch):
    running = run(screen, listing)
    for _ in range(4):
        next(running)

    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(Reader, "read_batch", fail)
    with pytest.raises(RuntimeError):
        next(running)
    assert not listing.running
    told = screen.on_fault(listing)
    assert (len(told["rows"]), told["told"]) == (4, LIST_FAULT)


def test_the_end_of_a_session_closes_its_list(screen, listing):
    class Request:
        session_hash = "session"

    screen.on_unload(Request())
    assert listing.closed
    assert list(run(screen, listing)) == []


def test_buttons_follow_the_list(screen, listing):
    def offered():
        return [part.interactive for part in screen.on_settled(listing)]

    assert offered() == [True, False, False, False]
    list(run(screen, listing))
    assert offered() == [False, True, True, True]
