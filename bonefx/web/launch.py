"""Serve the page: with its middleware, until it is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from bonefx.process.signals import SignalCount, counted_signals
from bonefx.web.auth.login_gate import CallerAddressMiddleware, LoginGate
from bonefx.web.auth.login_required import LoginRequiredMiddleware
from bonefx.web.film_memory import film_memory
from bonefx.web.html_pages import PageMiddleware
from bonefx.web.metrics import ServiceMetrics
from bonefx.web.page import appearance
from bonefx.web.server_settings import ServerSettings
from bonefx.web.service.closed_routes import ClosedRoutesMiddleware
from bonefx.web.service.full_queue import FullQueueMiddleware
from bonefx.web.service.headers import HeadersMiddleware
from bonefx.web.service.health import HealthMiddleware
from bonefx.web.service.hosts import HostsMiddleware
from bonefx.web.service.lifecycle import Lifecycle, LifecycleMiddleware, State
from bonefx.web.service.request_log import RequestLogMiddleware
from bonefx.web.service.server import served_inside
from bonefx.web.service.upload_lifetime import UploadLifetimeMiddleware, sweeping
from bonefx.web.shared.uploads import MAX_UPLOAD_MB, protect_uploads

QUEUE_POLL_S = 0.01  # gradio looks every 0.001 s, which costs a tenth of a core in an idle app
MAX_SESSIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """A page, and how it is served.

    Attributes:
        page: Page from build_page.
        settings: Settings of the server.
        models: Names of the loaded models, for /healthz.
        tools: Settings from mcp_app_settings, to offer tools over MCP.
        lifecycle: State of the app.
        metrics: Counts what the app does; None if nobody asks.
    """

    page: gr.Blocks
    settings: ServerSettings
    models: Sequence[str] = ()
    tools: dict[str, Any] = field(default_factory=dict)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    metrics: ServiceMetrics | None = None

    def serve(self) -> bool:
        """Serve the page until SIGTERM or Ctrl-C; then finish the requests in progress.

        Returns:
            Whether all requests in progress were finished within the limit.

        Raises:
            SettingsError: The address or the port cannot be used.
        """
        with counted_signals() as signals, sweeping(_uploads(), self._waiting), self._measured():
            self.start()
            signals.wait()
            return self._stop(signals)

    def start(self) -> None:
        """Serve the page in another thread, until it is closed.

        Raises:
            SettingsError: The address or the port cannot be used.
        """
        protect_uploads()
        settings = self.settings
        film_memory.limit_bytes = settings.film_memory_mb * 10**6
        with served_inside(self._around_gradio):
            page: Any = self.page.queue(api_open=False, max_size=settings.queue)
            page._queue.sleep_when_free = QUEUE_POLL_S
            page.launch(
                server_name=settings.host,
                server_port=settings.port,
                root_path=settings.root_path or None,
                auth=LoginGate(settings.login).check if settings.login else None,
                app_kwargs={"middleware": self._inside_gradio()} | self.tools,
                prevent_thread_lock=True,
                **(appearance() | _privacy()),
            )
        self.lifecycle.state = State.SERVING

    def _measured(self) -> AbstractContextManager[None]:
        """Answer Prometheus, if that is wanted."""
        if self.metrics is None or self.settings.metrics is None:
            return nullcontext()
        self.metrics.watch_queue(self._waiting)
        return self.metrics.served(self.settings.metrics)

    def _stop(self, signals: SignalCount) -> bool:
        finished = self.lifecycle.finish(self._is_busy, limit_s=self.settings.stop_s, hurry=signals)
        self.page.close(verbose=False)
        return finished

    def _waiting(self) -> int:
        """Return how many requests wait to be read; gradio has no public way to ask."""
        return len(self.page._queue)

    def _is_busy(self) -> bool:
        """Return whether films are being read or wait to be read."""
        reading = any(job is not None for job in self.page._queue.active_jobs)
        return reading or self._waiting() > 0

    def _around_gradio(self, app: ASGIApp) -> ASGIApp:
        """Put what holds for every answer around gradio's app; the last one answers first."""
        settings = self.settings
        app = LifecycleMiddleware(app, self.lifecycle)
        app = HostsMiddleware(app, settings.hosts)
        app = HealthMiddleware(app, self.lifecycle, self.models)
        app = HeadersMiddleware(app, settings.headers)
        observe = None if self.metrics is None else self.metrics.add_request
        return RequestLogMiddleware(app, settings.root_path, observe)

    def _inside_gradio(self) -> list[Middleware]:
        """Return what needs gradio's app or must see its answers before they are compressed."""
        login = [Middleware(LoginRequiredMiddleware, lifecycle=self.lifecycle)]
        return [
            Middleware(CallerAddressMiddleware),
            *(login if self.settings.login else []),
            Middleware(ClosedRoutesMiddleware),
            Middleware(FullQueueMiddleware, waiting=self._waiting, most=self.settings.queue),
            Middleware(UploadLifetimeMiddleware),
            Middleware(PageMiddleware),
        ]


def _uploads() -> Path:
    return Path(get_upload_folder())


def _privacy() -> dict[str, Any]:
    """Return the settings of gradio that keep films and errors private to their user."""
    return {
        "share": False,
        "mcp_server": False,
        "ssr_mode": False,
        "num_workers": 0,
        "pwa": False,
        "quiet": True,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "max_file_size": MAX_UPLOAD_MB * gr.FileSize.MB,
        "state_session_capacity": MAX_SESSIONS,
    }
