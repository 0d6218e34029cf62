"""Show errors of bonefx to a user as one sentence, without a traceback."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr

from bonefx.errors import BonefxError

READING_FAULT = (
    "The program failed on this film. This is a fault in bonefx; the server's log has the details."
)
P = ParamSpec("P")
R = TypeVar("R")


def as_sentence(error: BonefxError | str) -> str:
    """Return an error's message with a capital letter and a full stop."""
    message = str(error)
    return message[:1].upper() + message[1:].rstrip(".") + "."


def show_errors_to_user(handler: Callable[P, R]) -> Callable[P, R]:
    """Wrap a handler so that a BonefxError becomes a message; other exceptions go to the log."""

    @wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except BonefxError as error:
            raise gr.Error(as_sentence(error), title="Not read", print_exception=False) from error

    return wrapped
