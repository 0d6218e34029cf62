"""`bonefx login`: hash a password for the file that BONEFX_AUTH names."""

from __future__ import annotations

import argparse
from typing import Any

from bonefx.errors import SettingsError


def add_login_command(commands: Any) -> None:
    """Add `bonefx login` to the subparsers of the command line."""
    login = commands.add_parser(
        "login",
        help="hash a password for the file of BONEFX_AUTH",
        description="Ask for a password and print one line for the file that BONEFX_AUTH names.",
    )
    login.add_argument("user", help="user name")
    login.set_defaults(run=run_login)


def run_login(options: argparse.Namespace) -> int:
    """Ask for a password twice, without echo, and print the user name with the hash."""
    from getpass import getpass

    from bonefx.web.auth.passwords import hash_password

    if ":" in options.user:
        raise SettingsError("a user name cannot contain a colon; choose another name")
    password = getpass("password: ")
    if not password or password != getpass("once more: "):
        raise SettingsError("the two passwords are empty or differ; run the command again")
    print(f"{options.user}:{hash_password(password)}")
    return 0
