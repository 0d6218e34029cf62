"""Updates of a screen: handlers return named values, and gradio gets them keyed by component.

A screen declares its components in one frozen dataclass. A handler returns an update: a frozen
dataclass whose fields have the names of the components that it changes. So handlers can be tested
without a page, and no list of outputs has to keep an order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Any

from bonefx.web.film_memory import kept, with_films

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def connect(
    trigger: Callable[..., Any],
    handler: Callable[..., Any],
    inputs: Any,
    *,
    update: type[DataclassInstance],
    components: object,
    **settings: Any,
) -> Any:
    """Attach a handler that returns an update to an event.

    Args:
        trigger: Method that attaches handlers, such as `button.click` or `event.then`.
        handler: Returns an instance of `update`.
        inputs: Components whose values the handler takes.
        update: Dataclass whose fields are names of attributes of `components`.
        components: The screen's components.
        settings: Further settings of the event.

    Returns:
        The event, as gradio returns it.
    """
    return trigger(
        by_component(handler, components),
        inputs,
        updated_components(update, components),
        **settings,
    )


def updated_components(update: type[DataclassInstance], components: object) -> list[Any]:
    """Return the components that an update changes."""
    return [getattr(components, field.name) for field in fields(update)]


def by_component(handler: Callable[..., Any], components: object) -> Callable[..., dict[Any, Any]]:
    """Wrap a handler so that it returns the values of its update keyed by component.

    Films that a session keeps pass through the film memory.
    """
    with_records = with_films(handler)

    @wraps(handler)
    def wrapped(*args: Any) -> dict[Any, Any]:
        update = with_records(*args)
        return {
            getattr(components, field.name): kept(getattr(update, field.name))
            for field in fields(update)
        }

    return wrapped
