"""Send a file from memory to the browser, without writing it to the server's disk.

The bytes pass as base64 through a hidden component; a few lines of JavaScript save them under their
name and empty the component.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import gradio as gr

from bonefx.web.film_memory import with_films
from bonefx.web.shared.error_messages import show_errors_to_user

SAVE = """
(file) => {
    if (file === null) return null;
    const bytes = Uint8Array.from(atob(file.content), (letter) => letter.charCodeAt(0));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], {type: file.media_type}));
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    return null;
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file for the user to keep.

    Attributes:
        name: File name, without patient data.
        media_type: For example "text/csv".
        content: The file's bytes.
    """

    name: str
    media_type: str
    content: bytes


def offer_download(
    button: gr.Button,
    handler: Callable[..., Download | None],
    inputs: Sequence[Any],
    **settings: Any,
) -> None:
    """Save a handler's file in the browser whenever a button is pressed.

    Args:
        button: The button.
        handler: Returns the file, or None where there is nothing to save. A BonefxError is shown
            as a message.
        inputs: Components whose values the handler takes.
        settings: Further settings of gradio's event, such as concurrency_id.
    """
    hidden = gr.JSON(visible=False)
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    made = button.click(_encoded(handler), list(inputs), hidden, **quiet | settings)
    made.success(fn=None, inputs=hidden, outputs=hidden, js=SAVE, **quiet)


def _encoded(handler: Callable[..., Download | None]) -> Callable[..., dict[str, str] | None]:
    @wraps(handler)
    def encoded(*args: Any) -> dict[str, str] | None:
        made = show_errors_to_user(with_films(handler))(*args)
        if made is None:
            return None
        content = base64.b64encode(made.content).decode()
        return {"name": made.name, "media_type": made.media_type, "content": content}

    return encoded
