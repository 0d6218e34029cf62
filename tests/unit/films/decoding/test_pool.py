"""Decoding processes that cannot start, and answers for which there is no memory."""

from __future__ import annotations

import pytest

from bonefx.films.decoding import worker
from bonefx.films.decoding.outcomes import Refused, pack
from bonefx.films.decoding.pool import DecodingPool
from bonefx.films.decoding.refusals import refusal, too_much_memory
from bonefx.films.decoding.worker import pack_in_memory


class FakeProcess:
    """A process that only ends."""

    alive = True

    def __init__(self):
        self.ended = False

    def end(self):
        self.ended = True

    close = end


def test_where_one_process_cannot_start_those_before_it_are_ended():
    started: list[FakeProcess] = []

    def start(_):
        if len(started) == 2:
            raise OSError("no more processes")
        started.append(FakeProcess())
        return started[-1]

    with pytest.raises(OSError, match="no more processes"):
        DecodingPool(3, start=start)
    assert [process.ended for process in started] == [True, True]


def test_a_film_whose_answer_does_not_fit_in_memory_is_refused(monkeypatch):
    def pack_small(outcome):
        if not isinstance(outcome, Refused):
            raise MemoryError
        return pack(outcome)

    monkeypatch.setattr(worker, "pack", pack_small)
    assert pack_in_memory(None) == pack(refusal(too_much_memory()))
