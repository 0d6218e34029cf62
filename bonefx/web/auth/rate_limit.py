"""How often somebody may try to log in: after several wrong tries they wait, longer each time.

All is kept in memory alone, of names only a checksum, and no more than MAX_KEPT of each kind.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

FREE_TRIES = {"pair": 5, "user": 20, "address": 20}  # wrong tries before the first wait
FIRST_WAIT_S = 2.0  # doubled by each further wrong try
LONGEST_WAIT_S = 60.0  # so that nobody is locked out for ever
FORGET_S = 900.0  # without a wrong try
MAX_KEPT = 10_000


class FailedLogins(NamedTuple):
    """Wrong tries so far, and when the last of them was, by the clock."""

    times: int
    at_s: float


class LoginRateLimiter:
    """Wrong tries by user, by address, and by user at an address.

    Whoever logged in from an address before is held up there by wrong tries of that name at that
    address alone: no stranger elsewhere, and no colleague behind the same proxy, keeps them out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, FailedLogins] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, user: str, address: str) -> float:
        """Count a try as wrong until it is told to be right.

        Returns:
            Seconds to wait before the next try, which then was not counted; 0 if it may be made.
        """
        with self._lock:
            keys = self._keys(user, address)
            wait_s = max(self._wait_s(key) for key in keys)
            if wait_s <= 0:
                for key in keys:
                    _put(self._wrong, key, FailedLogins(self._so_far(key).times + 1, self._clock()))
            return max(wait_s, 0.0)

    def right(self, user: str, address: str) -> None:
        """Take back that a try was counted, and know the user at this address from now on."""
        with self._lock:
            pair, *others = self._keys(user, address)
            self._wrong.pop(pair, None)
            for key in others:
                found = self._so_far(key)
                self._wrong[key] = found._replace(times=max(found.times - 1, 0))
            _put(self._known, pair, None)

    def _keys(self, user: str, address: str) -> list[str]:
        name = hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()
        place = _network(address)
        pair = f"pair {name} {place}"
        return [pair] if pair in self._known else [pair, f"user {name}", f"address {place}"]

    def _so_far(self, key: str) -> FailedLogins:
        found = self._wrong.get(key)
        if found is None or self._clock() - found.at_s > FORGET_S:
            return FailedLogins(0, self._clock())
        return found

    def _wait_s(self, key: str) -> float:
        found = self._so_far(key)
        over = found.times - FREE_TRIES[key.partition(" ")[0]]
        if over < 0:
            return 0.0
        return found.at_s + min(FIRST_WAIT_S * 2.0 ** min(over, 30), LONGEST_WAIT_S) - self._clock()


def _network(address: str) -> str:
    """An address as it is counted: of IPv6 the network of a household."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a name, or none
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _put(kept: OrderedDict[str, Any], key: str, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > MAX_KEPT:
        kept.popitem(last=False)
