"""Failed logins are slowed down, and nobody is locked out permanently."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from bonefx.web.auth import rate_limit
from bonefx.web.auth.login_gate import LoginGate
from bonefx.web.auth.passwords import Credentials, hash_password
from bonefx.web.auth.rate_limit import (
    FIRST_WAIT_S,
    FORGET_AFTER_S,
    FREE_ATTEMPTS,
    MAX_WAIT_S,
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
def limiter(clock):
    return LoginRateLimiter(clock)


def guess(limiter, times, *, user="anna", address=HOME):
    """Fail to log in; return the wait after the last attempt."""
    return [limiter.record_attempt(user, address) for _ in range(times)][-1]


def test_the_first_failures_cost_nothing_and_the_next_attempt_must_wait(limiter):
    assert guess(limiter, FREE_ATTEMPTS["pair"]) == 0
    assert guess(limiter, 1) == FIRST_WAIT_S


def test_the_wait_doubles_up_to_a_minute_and_then_ends(limiter, clock):
    guess(limiter, FREE_ATTEMPTS["pair"])
    waits = []
    for _ in range(9):
        waits.append(limiter.record_attempt("anna", HOME))
        clock.now_s += waits[-1]
        assert limiter.record_attempt("anna", HOME) == 0
    assert waits == [2, 4, 8, 16, 32, MAX_WAIT_S, *[MAX_WAIT_S] * 3]


def test_attempts_during_a_wait_do_not_make_it_longer(limiter, clock):
    guess(limiter, FREE_ATTEMPTS["pair"])
    guess(limiter, 50)
    clock.now_s += FIRST_WAIT_S
    assert limiter.record_attempt("anna", HOME) == 0


def test_an_address_that_tries_many_users_must_wait(limiter):
    for number in range(FREE_ATTEMPTS["address"]):
        assert limiter.record_attempt(f"user {number}", HOME) == 0
    assert limiter.record_attempt("another", HOME) > 0
    assert limiter.record_attempt("another", ELSEWHERE) == 0


def test_addresses_of_one_ipv6_household_count_as_one(limiter):
    for number in range(FREE_ATTEMPTS["address"]):
        limiter.record_attempt(f"user {number}", f"2001:db8::{number:x}")
    assert limiter.record_attempt("another", "2001:db8::ffff") > 0
    assert limiter.record_attempt("another", "2001:db8:0:1::1") == 0


def test_a_user_tried_from_many_addresses_must_wait(limiter):
    for number in range(FREE_ATTEMPTS["user"]):
        assert limiter.record_attempt("anna", f"203.0.113.{number}") == 0
    assert limiter.record_attempt("anna", ELSEWHERE) > 0
    assert limiter.record_attempt("ben", ELSEWHERE) == 0


def test_failures_of_others_do_not_lock_out_a_user_who_logged_in_before(limiter):
    limiter.record_attempt("anna", HOME)
    limiter.record_success("anna", HOME)
    for number in range(FREE_ATTEMPTS["user"]):
        limiter.record_attempt("anna", f"203.0.113.{number}")
        limiter.record_attempt(f"user {number}", HOME)
    assert limiter.record_attempt("anna", ELSEWHERE) > 0
    assert limiter.record_attempt("anna", HOME) == 0
    assert guess(limiter, FREE_ATTEMPTS["pair"]) > 0  # but failures at this address still count


def test_successful_logins_are_never_counted(limiter):
    for _ in range(3 * FREE_ATTEMPTS["address"]):
        for user in ("anna", "ben"):
            assert limiter.record_attempt(user, HOME) == 0
            limiter.record_success(user, HOME)


def test_failures_are_forgotten_after_a_while(limiter, clock):
    guess(limiter, FREE_ATTEMPTS["pair"])
    clock.now_s += FORGET_AFTER_S + 1
    assert guess(limiter, FREE_ATTEMPTS["pair"]) == 0


def test_memory_is_bounded_and_contains_no_user_name(limiter, monkeypatch):
    monkeypatch.setattr(rate_limit, "MAX_ENTRIES", 30)
    for number in range(100):
        limiter.record_attempt(f"secret {number}", f"203.0.113.{number}")
        limiter.record_success(f"secret {number}", f"203.0.113.{number}")
    for number in range(100):
        limiter.record_attempt(f"wrong {number}", f"203.0.113.{number}")
    assert len(limiter._failed) <= 30
    assert len(limiter._known) <= 30
    assert "secret" not in repr(vars(limiter))
    assert "wrong " not in repr(vars(limiter))


def test_parallel_successful_logins_do_not_count_as_failures():
    """Assistants call several tools at the same time, each with the password."""
    credentials = Credentials(hashes={"anna": hash_password("secret")})
    gate = LoginGate(credentials)

    async def together():
        async with anyio.create_task_group() as group:
            for _ in range(FREE_ATTEMPTS["pair"] + 3):
                group.start_soon(log_in)

    results = []

    async def log_in():
        results.append(await gate.check("anna", "secret"))

    with ThreadPoolExecutor(1) as other:  # a browser may keep this thread's loop
        other.submit(anyio.run, together).result()
    assert results == [True] * (FREE_ATTEMPTS["pair"] + 3)
