"""How much a peer may send, and how long it may take."""

import socket

import pytest

from bonefx.pacs.limited_reading import LimitedReading


@pytest.fixture
def ends():
    here, there = socket.socketpair()
    with here, there:
        yield here, there


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def make(connection, clock=None, **changes):
    settings = {"most_bytes": 100, "associate_s": 10, "silent_s": 60} | changes
    return LimitedReading(connection, clock=clock or Clock(), **settings)


def test_all_bytes_are_read_or_those_before_the_end(ends):
    here, there = ends
    reading = make(here)
    there.sendall(b"abcdef")
    there.close()
    assert reading(4) == b"abcd"
    assert reading(4) == b"ef"


def test_a_peer_that_sends_byte_by_byte_has_one_deadline_until_its_association(ends):
    here, there = ends
    clock = Clock()
    reading = make(here, clock)
    there.sendall(b"a")
    assert reading(1) == b"a"
    clock.now_s = 10.0
    there.sendall(b"bc")
    with pytest.raises(TimeoutError):
        reading(1)
    assert here.gettimeout() == 60
    reading.accept()
    assert reading(2) == b"bc"


def test_a_peer_that_stops_in_a_message_is_waited_for_until_the_deadline_alone(ends):
    here, there = ends
    reading = make(here, associate_s=0.01)
    there.sendall(b"a")
    with pytest.raises(TimeoutError):
        reading(6)


def test_more_than_the_allowance_is_refused_until_it_is_renewed(ends):
    here, there = ends
    reading = make(here)
    there.sendall(bytes(200))
    reading(90)
    with pytest.raises(OSError, match="too many"):
        reading(11)
    reading.renew()
    assert len(reading(100)) == 100
