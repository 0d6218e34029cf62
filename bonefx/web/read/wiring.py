"""The ways in which the events of the Read screen are connected to its handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradio.components import Component

from bonefx.web.read.after_verdict import AwaitedOpinion
from bonefx.web.read.choices import CHOICE_NAMES, Inputs, with_choices
from bonefx.web.read.components import ReadComponents
from bonefx.web.read.handlers import ReadHandlers
from bonefx.web.read.state import (
    ClearedUpdate,
    ReadUpdate,
    SecondUpdate,
    WaitingUpdate,
)
from bonefx.web.shared.components import MODEL_EVENT, PRIVATE_EVENT, UNQUEUED_EVENT
from bonefx.web.shared.updates import connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Connects events.

    Attributes:
        screen: Handlers.
        components: Components that the handlers read and change.
    """

    screen: ReadHandlers
    components: ReadComponents

    def _choices(self, **replaced: Component) -> dict[str, Component]:
        """Return the components that hold the fields of Choices, by field."""
        own = {name: getattr(self.components, name) for name in CHOICE_NAMES}
        return own | replaced

    def _clear(
        self,
        trigger: Callable[..., Any],
        handler: Callable[..., Any],
        inputs: Any,
        *,
        update: type[Any] = ClearedUpdate,
    ) -> Any:
        """Attach a handler that clears the screen at once, outside the queue."""
        return connect(
            trigger, handler, inputs, update=update, components=self.components, **UNQUEUED_EVENT
        )

    def _wait(self, trigger: Callable[..., Any]) -> Any:
        """Remove picture and verdict, but keep the film, until it is read again."""
        parts = self.components
        films = [parts.shown, parts.held, parts.openings]
        return self._clear(trigger, self.screen.on_switch, films, update=WaitingUpdate)

    def _read(
        self,
        cleared: Any,
        handler: Callable[..., ReadUpdate],
        inputs: Inputs,
        *,
        js: str | None = None,
    ) -> Any:
        """Attach a handler that fills the screen after it was cleared.

        Returns:
            The event of the second model's opinion, which follows.
        """
        done = self._connect(
            cleared.then,
            handler,
            inputs,
            update=ReadUpdate,
            trigger_mode="multiple",
            js=js,
            **MODEL_EVENT,
            **PRIVATE_EVENT,
        )
        self._clear_on_fault(done, {name: inputs[name] for name in CHOICE_NAMES})
        return self._add_second_opinion(done)

    def _add_second_opinion(self, done: Any) -> Any:
        """Let the second model read a film once the first one's verdict is on the screen."""
        parts, opinion = self.components, AwaitedOpinion(updates=self.screen.updates)
        inputs = {"shown": parts.shown, "openings": parts.openings} | self._choices()
        read_twice = self._connect(
            done.success, opinion.on_verdict, inputs,
            update=SecondUpdate, **MODEL_EVENT, **PRIVATE_EVENT,
        )  # fmt: skip
        self._connect(
            read_twice.failure, opinion.on_fault, inputs, update=SecondUpdate, **PRIVATE_EVENT
        )
        return read_twice

    def _clear_on_fault(self, done: Any, choices: Inputs) -> None:
        fault = self.screen.on_fault
        inputs = {"openings": self.components.openings, **choices}
        self._connect(done.failure, fault, inputs, update=ReadUpdate, **PRIVATE_EVENT)

    def _connect(
        self,
        trigger: Callable[..., Any],
        handler: Callable[..., Any],
        inputs: Inputs,
        *,
        update: type[Any],
        **settings: Any,
    ) -> Any:
        """Attach a handler that takes its inputs by name, with the user's choices as one record.

        Of its update only the reader's answers are kept if another film was opened meanwhile.
        """
        return connect(
            trigger,
            with_choices(handler, inputs),
            [*inputs.values(), self.components.openings],
            update=update,
            components=self.components,
            **settings,
        )
