"""Rate limiting of logins: after several failed attempts one has to wait, longer each time.

Counts are kept in memory alone, under hashes of the user names, at most MAX_ENTRIES of each kind.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

FREE_ATTEMPTS = {"pair": 5, "user": 20, "address": 20}  # failures before the first wait
FIRST_WAIT_S = 2.0  # doubled by each further failure
MAX_WAIT_S = 60.0  # so that nobody is locked out permanently
FORGET_AFTER_S = 900.0  # since the last failure
MAX_ENTRIES = 10_000


class FailedLogins(NamedTuple):
    """Number of failed attempts, and the time of the last one by the limiter's clock."""

    number: int
    last_s: float


class LoginRateLimiter:
    """Counts failed attempts by user, by address, and by user at an address.

    A user who has logged in from an address before is limited there only by failures of the same
    user name at the same address. So neither strangers elsewhere nor other users behind the same
    proxy can lock this user out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, FailedLogins] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def record_attempt(self, user: str, address: str) -> float:
        """Count an attempt as failed until record_success is called for it.

        Returns:
            0 if the attempt may be made; otherwise seconds to wait, and the attempt is not counted.
        """
        with self._lock:
            keys = self._keys(user, address)
            wait_s = max(self._wait_s(key) for key in keys)
            if wait_s <= 0:
                for key in keys:
                    number = self._failures(key).number + 1
                    _store(self._failed, key, FailedLogins(number, self._clock()))
            return max(wait_s, 0.0)

    def record_success(self, user: str, address: str) -> None:
        """Undo the count of a successful attempt, and remember the user at this address."""
        with self._lock:
            pair, *others = self._keys(user, address)
            self._failed.pop(pair, None)
            for key in others:
                failures = self._failures(key)
                self._failed[key] = failures._replace(number=max(failures.number - 1, 0))
            _store(self._known, pair, None)

    def _keys(self, user: str, address: str) -> list[str]:
        user_hash = hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()
        network = _network(address)
        pair = f"pair {user_hash} {network}"
        return [pair] if pair in self._known else [pair, f"user {user_hash}", f"address {network}"]

    def _failures(self, key: str) -> FailedLogins:
        failures = self._failed.get(key)
        if failures is None or self._clock() - failures.last_s > FORGET_AFTER_S:
            return FailedLogins(0, self._clock())
        return failures

    def _wait_s(self, key: str) -> float:
        failures = self._failures(key)
        excess = failures.number - FREE_ATTEMPTS[key.partition(" ")[0]]
        if excess < 0:
            return 0.0
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(excess, 30), MAX_WAIT_S)
        return failures.last_s + wait_s - self._clock()


def _network(address: str) -> str:
    """Return what is counted as one address: for IPv6, the /64 network of a household."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a host name, or empty
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _store(entries: OrderedDict[str, Any], key: str, value: object) -> None:
    """Store a value as the newest; beyond MAX_ENTRIES the oldest is dropped."""
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > MAX_ENTRIES:
        entries.popitem(last=False)
