"""The `bonefx` command: the parser of all commands, and the exit code of an error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bonefx import __version__
from bonefx.cli.archive import add_archive_command
from bonefx.cli.listen import add_listen_command
from bonefx.cli.login import add_login_command
from bonefx.cli.models import add_models_command
from bonefx.cli.read import add_read_command
from bonefx.cli.report import add_report_command
from bonefx.cli.serve import add_serve_command
from bonefx.cli.watch import add_watch_command
from bonefx.cli.worklist import add_worklist_command
from bonefx.errors import BonefxError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments after the program's name; None takes those of the process.

    Returns:
        Exit code: 0 if every film was read, else a code of bonefx.errors.
    """
    options = build_parser().parse_args(argv)
    try:
        code: int = options.run(options)
    except BonefxError as error:
        print(f"bonefx: {error}", file=sys.stderr)
        return error.exit_code
    return code


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of `bonefx` with all its commands."""
    parser = argparse.ArgumentParser(
        prog="bonefx",
        description="Second opinion on bone radiographs. Research software, not a medical device.",
    )
    parser.add_argument("--version", action="version", version=f"bonefx {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    add_read_command(commands)
    add_worklist_command(commands)
    add_archive_command(commands)
    add_report_command(commands)
    add_watch_command(commands)
    add_listen_command(commands)
    add_models_command(commands)
    add_serve_command(commands)
    add_login_command(commands)
    return parser
