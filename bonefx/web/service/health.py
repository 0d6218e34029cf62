"""/healthz: whether the app answers, for load balancers and monitoring, without a login."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bonefx import __version__
from bonefx.web.service.lifecycle import Lifecycle, State
from bonefx.web.service.refusals import path_of

HEALTH_PATH = "/healthz"


class HealthMiddleware:
    """ASGI middleware that answers HEALTH_PATH itself.

    Attributes:
        lifecycle: State of the app.
        models: Names of the loaded models.
    """

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle, models: Sequence[str]) -> None:
        self.app = app
        self.lifecycle = lifecycle
        self.models = list(models)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; on HEALTH_PATH 200 while the app serves, else 503."""
        if scope["type"] == "http" and path_of(scope) == HEALTH_PATH:
            await self._answer()(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _answer(self) -> JSONResponse:
        state = self.lifecycle.state
        table = {"status": state.value, "version": __version__, "models": self.models}
        return JSONResponse(table, 200 if state is State.SERVING else 503)
