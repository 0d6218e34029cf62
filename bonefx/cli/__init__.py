"""The command line: one file a command, and the parser that offers them."""

from bonefx.cli.parser import main

__all__ = ["main"]
