"""`python -m train`: the commands of the training module, a file for each group of commands."""

from train.cli.parser import build_parser, main

__all__ = ["build_parser", "main"]
