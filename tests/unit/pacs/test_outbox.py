"""Delivery of reports: in order, again where the PACS is away, never lost in silence."""

import threading

import pytest

from bonefx.pacs import outbox as outbox_module
from bonefx.pacs.outbox import Outbox
from bonefx.pacs.sender import Sent

END_S = 30  # a thread that fails would not end


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(outbox_module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(outbox_module, "STOPPING_PAUSE_S", 0.001)


class FakePacs:
    """Gives the answers of a list, one a call, and stores everything once they are used up."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []
        self.called = threading.Event()

    def send(self, objects):
        self.calls.append(list(objects))
        self.called.set()
        answer = self.answers.pop(0) if self.answers else [Sent.STORED] * len(objects)
        if isinstance(answer, Exception):
            raise answer
        return answer


def sent_all(pacs, *films, **settings):
    """Put the reports of films into an outbox, and finish it."""
    outbox = Outbox(pacs.send, **settings)
    for number, objects in enumerate(films, start=1):
        outbox.put(number, objects)
    outbox.start()
    outbox.finish(END_S)
    return outbox


def test_reports_are_sent_in_the_order_of_their_films():
    pacs = FakePacs()
    outbox = sent_all(pacs, [b"sc1", b"sr1"], [], [b"sr3"])
    assert pacs.calls == [[b"sc1", b"sr1"], [b"sr3"]]
    assert (outbox.delivered, outbox.undelivered) == (3, 0)


def test_what_the_pacs_does_not_take_is_sent_again_without_what_it_took():
    pacs = FakePacs([Sent.LATER, Sent.LATER], [Sent.STORED, Sent.LATER])
    outbox = sent_all(pacs, [b"sc", b"sr"])
    assert pacs.calls == [[b"sc", b"sr"], [b"sc", b"sr"], [b"sr"]]
    assert (outbox.delivered, outbox.undelivered) == (2, 0)


def test_the_log_says_once_that_the_pacs_is_away_and_once_that_it_is_back(caplog):
    sent_all(FakePacs(*[[Sent.LATER]] * 5), [b"sr"])
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "the PACS does not take reports at the moment; they are sent again",
        "the PACS takes reports again",
    ]


def test_what_the_pacs_refuses_is_counted_and_logged_and_not_sent_again(caplog):
    pacs = FakePacs([Sent.REFUSED, Sent.STORED])
    outbox = sent_all(pacs, [b"sc", b"sr"])
    assert len(pacs.calls) == 1
    assert (outbox.delivered, outbox.undelivered) == (1, 1)
    assert "1 reports of film 1 were not delivered: the PACS refused them" in caplog.text


def test_after_the_limit_reports_count_as_not_delivered(caplog):
    now_s = iter([0.0, 599.0, 600.0])
    pacs = FakePacs([Sent.LATER], [Sent.LATER])
    outbox = sent_all(pacs, [b"sr"], patience_s=600, clock=lambda: next(now_s))
    assert (outbox.delivered, outbox.undelivered) == (0, 1)
    assert "film 1 were not delivered: the PACS did not take them for 600 s" in caplog.text


def test_what_is_left_at_the_end_counts_as_not_delivered(caplog):
    outbox = Outbox(FakePacs().send)  # not started, as if its PACS never answered
    outbox.put(7, [b"sc", b"sr"])
    outbox.finish(0)
    assert outbox.undelivered == 2
    assert "2 reports of film 7 were not delivered: bonefx was stopped" in caplog.text


def test_a_fault_of_bonefx_costs_the_reports_of_one_film_only(caplog):
    outbox = sent_all(FakePacs(RuntimeError("Miller^Anna")), [b"sr1"], [b"sr2"])
    assert (outbox.delivered, outbox.undelivered) == (1, 1)
    assert "bonefx failed to send the reports of film 1" in caplog.text


def test_an_outbox_is_full_when_as_many_films_wait_as_may():
    outbox = Outbox(FakePacs().send, max_films=2)
    outbox.put(1, [b"sr"])
    assert not outbox.is_full
    outbox.put(2, [b"sr"])
    assert outbox.is_full


def test_an_outbox_is_full_when_its_reports_are_as_large_as_may_be():
    outbox = Outbox(FakePacs().send, max_bytes=10)
    outbox.put(1, [b"sc", b"a large sr"])
    assert outbox.is_full


def test_a_stop_ends_a_long_pause_with_one_more_attempt(monkeypatch):
    monkeypatch.setattr(outbox_module, "FIRST_PAUSE_S", 3600)
    pacs = FakePacs([Sent.LATER])
    outbox = Outbox(pacs.send, patience_s=9000)
    outbox.start()
    outbox.put(1, [b"sr"])
    assert pacs.called.wait(END_S)
    outbox.finish(END_S)
    assert outbox.delivered == 1


def test_an_outbox_tells_which_objects_the_pacs_has_stored():
    pacs = FakePacs([Sent.LATER, Sent.STORED, Sent.REFUSED])
    stored: list[int] = []
    outbox = Outbox(pacs.send)
    outbox.put(1, [b"one", b"two", b"three"], on_stored=stored.append)
    outbox.start()
    outbox.finish(END_S)
    assert stored == [1, 0]
    assert (outbox.delivered, outbox.undelivered) == (2, 1)


def test_a_delivered_report_counts_although_it_could_not_be_written(caplog):
    def full(_):
        raise OSError(28, "No space left on device")

    outbox = Outbox(FakePacs().send)
    outbox.put(3, [b"sr"], on_stored=full)
    outbox.start()
    outbox.finish(END_S)
    assert (outbox.delivered, outbox.undelivered) == (1, 0)
    assert "a report of film 3 was delivered but not written" in caplog.text


def test_an_object_is_counted_once_whenever_the_outbox_finishes(monkeypatch):
    outbox = Outbox(FakePacs().send)
    settle = outbox._settle

    def late(delivery, outcomes):
        done = settle(delivery, outcomes)
        finishing = threading.Thread(target=outbox.finish, args=(0,))
        finishing.start()  # waits for the lock until all is counted
        return done

    monkeypatch.setattr(outbox, "_settle", late)
    outbox.put(1, [b"sc", b"sr"])
    outbox.start()
    outbox._thread.join(END_S)
    assert (outbox.delivered, outbox.undelivered) == (2, 0)


def test_reports_that_come_after_the_end_count_as_not_delivered():
    outbox = Outbox(FakePacs().send)
    outbox.finish(0)
    outbox.put(1, [b"sr"])
    assert outbox.undelivered == 1
