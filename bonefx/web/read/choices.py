"""The user's choices on the Read screen, and how its handlers get them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from gradio.components import Component

from bonefx.web.read.answers.read_first import ReaderAnswer
from bonefx.web.shared.gone_film import FilmOrigin

Inputs = Mapping[str, Component]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user has chosen on the screen.

    Attributes:
        point: Name of the operating point.
        model: Name of the model.
        prevalence_percent: Share of fractures among the user's own films, in [1, 90].
        read_first: The user answers before the model does.
        origin: Where the film on the page came from, as the page knows it.
        reads: Films of this session that the user answered before the model.
    """

    point: str
    model: str
    prevalence_percent: float
    read_first: bool
    origin: FilmOrigin
    reads: list[ReaderAnswer]


CHOICE_NAMES = tuple(choice.name for choice in fields(Choices))


def with_choices(handler: Callable[..., Any], inputs: Inputs) -> Callable[..., Any]:
    """Wrap a handler of named arguments for gradio, which passes values in the order of inputs.

    The last value is the session's Openings.
    """

    def wrapped(*values: Any) -> Any:
        *own, openings = values
        named = dict(zip(inputs, own, strict=True))
        choices = Choices(**{name: named.pop(name) for name in CHOICE_NAMES})
        return openings.newest_only(
            lambda: handler(choices=choices, **named), outdated=lambda update: update.outdated()
        )

    wrapped.__name__ = handler.__name__
    return wrapped
