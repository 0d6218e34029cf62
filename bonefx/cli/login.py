"""`bonefx login`: hash a password for the file of BONEFX_AUTH."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bonefx.errors import SettingsError

if TYPE_CHECKING:
    pass


def run_login(options: argparse.Namespace) -> int:
    """Ask for a password twice, without showing it."""
    from getpass import getpass

    from bonefx.web.auth.passwords import hash_password

    if ":" in options.user:
        raise SettingsError("a user's name may not hold a colon; choose another")
    password = getpass("password: ")
    if not password or password != getpass("once more: "):
        raise SettingsError("the two passwords are empty or differ; run the command again")
    print(f"{options.user}:{hash_password(password)}")
    return 0
