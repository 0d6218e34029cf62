"""How our own errors reach a user: as one sentence, never as a trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr

from bonefx.errors import BonefxError

READING_FAULT = (
    "The program failed on this film, and the fault is ours. The server's log says more."
)
P = ParamSpec("P")
R = TypeVar("R")


def as_sentence(error: BonefxError | str) -> str:
    """Put an error's message as a sentence of its own."""
    message = str(error)
    return message[:1].upper() + message[1:].rstrip(".") + "."


def show_errors_to_user(handler: Callable[P, R]) -> Callable[P, R]:
    """Show our own errors as a message; every other exception stays a bug in the log."""

    @wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except BonefxError as error:
            raise gr.Error(as_sentence(error), title="Not read", print_exception=False) from error

    return wrapped
