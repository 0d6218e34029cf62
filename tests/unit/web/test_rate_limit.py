"""Guessing passwords takes time, and keeps nobody out for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from bonefx.web.auth import rate_limit
from bonefx.web.auth.login_gate import LoginGate
from bonefx.web.auth.passwords import Credentials, hash_password
from bonefx.web.auth.rate_limit import (
    FIRST_WAIT_S,
    FORGET_S,
    FREE_TRIES,
    LONGEST_WAIT_S,
    LoginRateLimiter,
)

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tried(clock):
    return LoginRateLimiter(clock)


def guess(tried, times, *, user="anna", address=HOME):
    """Try in vain; returns the wait that the last try was told."""
    return [tried.begin(user, address) for _ in range(times)][-1]


def test_some_wrong_tries_are_free_and_the_next_must_wait(tried):
    assert guess(tried, FREE_TRIES["pair"]) == 0
    assert guess(tried, 1) == FIRST_WAIT_S


def test_the_wait_doubles_up_to_a_minute_and_then_one_may_try_again(tried, clock):
    guess(tried, FREE_TRIES["pair"])
    waits = []
    for _ in range(9):
        waits.append(tried.begin("anna", HOME))
        clock.now_s += waits[-1]
        assert tried.begin("anna", HOME) == 0
    assert waits == [2, 4, 8, 16, 32, LONGEST_WAIT_S, *[LONGEST_WAIT_S] * 3]


def test_a_try_that_must_wait_makes_the_wait_no_longer(tried, clock):
    guess(tried, FREE_TRIES["pair"])
    guess(tried, 50)
    clock.now_s += FIRST_WAIT_S
    assert tried.begin("anna", HOME) == 0


def test_an_address_that_tries_many_names_must_wait(tried):
    for number in range(FREE_TRIES["address"]):
        assert tried.begin(f"user {number}", HOME) == 0
    assert tried.begin("another", HOME) > 0
    assert tried.begin("another", ELSEWHERE) == 0


def test_addresses_of_one_ipv6_household_are_one(tried):
    for number in range(FREE_TRIES["address"]):
        tried.begin(f"user {number}", f"2001:db8::{number:x}")
    assert tried.begin("another", "2001:db8::ffff") > 0
    assert tried.begin("another", "2001:db8:0:1::1") == 0


def test_a_user_who_is_guessed_from_many_addresses_must_wait(tried):
    for number in range(FREE_TRIES["user"]):
        assert tried.begin("anna", f"203.0.113.{number}") == 0
    assert tried.begin("anna", ELSEWHERE) > 0
    assert tried.begin("ben", ELSEWHERE) == 0


def test_who_was_in_before_is_not_kept_out_by_strangers(tried):
    tried.begin("anna", HOME)
    tried.right("anna", HOME)
    for number in range(FREE_TRIES["user"]):
        tried.begin("anna", f"203.0.113.{number}")
        tried.begin(f"user {number}", HOME)
    assert tried.begin("anna", ELSEWHERE) > 0
    assert tried.begin("anna", HOME) == 0
    assert guess(tried, FREE_TRIES["pair"]) > 0  # but guessing at that place waits too


def test_right_passwords_are_never_counted(tried):
    for _ in range(3 * FREE_TRIES["address"]):
        for user in ("anna", "ben"):
            assert tried.begin(user, HOME) == 0
            tried.right(user, HOME)


def test_wrong_tries_are_forgotten_after_a_while(tried, clock):
    guess(tried, FREE_TRIES["pair"])
    clock.now_s += FORGET_S + 1
    assert guess(tried, FREE_TRIES["pair"]) == 0


def test_memory_is_bounded_and_holds_no_name(tried, monkeypatch):
    monkeypatch.setattr(rate_limit, "MAX_KEPT", 30)
    for number in range(100):
        tried.begin(f"secret {number}", f"203.0.113.{number}")
        tried.right(f"secret {number}", f"203.0.113.{number}")
    for number in range(100):
        tried.begin(f"wrong {number}", f"203.0.113.{number}")
    assert len(tried._wrong) <= 30
    assert len(tried._known) <= 30
    assert "secret" not in repr(vars(tried))
    assert "wrong " not in repr(vars(tried))


def test_right_passwords_at_once_are_no_wrong_tries():
    """Assistants ask several tools at the same time, each with the password."""
    login = Credentials(hashes={"anna": hash_password("secret")})
    door = LoginGate(login)

    async def together():
        async with anyio.create_task_group() as group:
            for _ in range(FREE_TRIES["pair"] + 3):
                group.start_soon(enter)

    entered = []

    async def enter():
        entered.append(await door.enter("anna", "secret"))

    with ThreadPoolExecutor(1) as other:  # a browser may keep this thread's loop
        other.submit(anyio.run, together).result()
    assert entered == [True] * (FREE_TRIES["pair"] + 3)
