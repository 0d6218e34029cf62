"""Join the screens to one page, and start it: theme, privacy, server settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from bonefx.errors import SettingsError
from bonefx.reader import Reader
from bonefx.report.words import NOTICE
from bonefx.ui.compare import build_compare
from bonefx.ui.door import Caller, Door
from bonefx.ui.front import FrontPage
from bonefx.ui.listing import delete_leftovers
from bonefx.ui.model_card import build_model_card
from bonefx.ui.parts import AT_ONCE
from bonefx.ui.settings import ServerSettings
from bonefx.ui.single_layout import build_single
from bonefx.ui.upload import MAX_UPLOAD_MB, NOT_SENT
from bonefx.ui.walk import Step
from bonefx.ui.worklist import build_worklist

ASSETS = Path(__file__).parent / "assets"
STYLES = ("compare.css", "style.css", "touch.css")  # a later one speaks last
CACHE_S = 600  # uploads that nobody read are deleted after this time
MAX_SESSIONS = 100  # each may keep one film in memory
FONTS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")
TO_THE_TOP = "(step) => { scrollTo(0, 0); return [step]; }"
HEADER = (
    '<header><h1>bonefx</h1><p class="what">Second reader for bone radiographs</p>'
    f'<p class="notice">{NOTICE}</p></header>'
)


def build(reader: Reader) -> gr.Blocks:
    """Build the page around loaded models."""
    page: gr.Blocks = gr.Blocks(
        title="bonefx", fill_width=True, analytics_enabled=False, delete_cache=(CACHE_S, CACHE_S)
    )
    with page:
        gr.HTML(HEADER, elem_id="head", apply_default_css=False)
        with gr.Tabs(elem_id="screens") as tabs:
            with gr.Tab("Read", id="read"):
                single = build_single(reader)
            with gr.Tab("Compare", id="compare"):
                build_compare(reader)
            with gr.Tab("Worklist", id="worklist"):
                worklist = build_worklist(reader)
            with gr.Tab("Model card", id="card"):
                build_model_card(reader)
        worklist.opened.success(to_read, worklist.step, tabs, js=TO_THE_TOP, **AT_ONCE)
        single.open_from(
            worklist.opened, worklist.chosen,
            step=worklist.step, model=worklist.model, point=worklist.point,
        )  # fmt: skip
        page.unload(worklist.on_unload)
    return page


def to_read(step: Step) -> Any:
    """Put Read in front for a film of the table; whoever walks from film to film is there."""
    return gr.skip() if step["walked"] else gr.Tabs(selected="read")


def launch(
    page: gr.Blocks,
    settings: ServerSettings,
    *,
    tools: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Serve a page until it is stopped.

    Args:
        page: From build.
        settings: Where to serve.
        tools: From tools_of, to offer tools to assistants too.
        changes: More settings of gradio's launch, such as prevent_thread_lock.

    Raises:
        SettingsError: The address or the port cannot be had.
    """
    delete_leftovers()
    with _address_errors(settings):
        page.queue(api_open=False).launch(
            server_name=settings.host,
            server_port=settings.port,
            root_path=settings.root_path or None,
            auth=Door(settings.login).enter if settings.login else None,
            app_kwargs={"middleware": [Middleware(Caller), Middleware(FrontPage)]} | (tools or {}),
            **(_look() | _privacy() | changes),
        )


def _look() -> dict[str, Any]:
    return {
        "theme": dark_theme(),
        "css_paths": [ASSETS / name for name in STYLES],
        "js": _script(),
        "favicon_path": ASSETS / "favicon.svg",
        "footer_links": [],
    }


def _script() -> str:
    """Join the page's functions to the one that gradio calls when it is there."""
    parts = [(ASSETS / name).read_text().strip() for name in ("page.js", "viewer.js")]
    joined = "\n".join(f"({part})();" for part in parts)
    script = f"() => {{\n{joined}\n}}".replace("MAX_UPLOAD_MB", str(MAX_UPLOAD_MB))
    return script.replace("NOT_SENT", json.dumps(NOT_SENT))


def _privacy() -> dict[str, Any]:
    """Nothing of a film is kept, shared, measured or shown to another user."""
    return {
        "share": False,
        "mcp_server": False,
        "ssr_mode": False,
        "quiet": True,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "max_file_size": MAX_UPLOAD_MB * gr.FileSize.MB,
        "state_session_capacity": MAX_SESSIONS,
    }


def dark_theme() -> gr.themes.Base:
    """A theme whose light half equals its dark half: dark whatever the browser prefers.

    Only fonts of the system, so that the page asks no other host for anything.
    """
    theme = gr.themes.Base(
        primary_hue="slate",
        neutral_hue="zinc",
        text_size="sm",
        spacing_size="sm",
        radius_size="sm",
        font=FONTS,
        font_mono=MONO,
    ).set(
        body_background_fill_dark="#08090b",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        body_text_color_dark="#cfd4da",
        body_text_color_subdued_dark="#98a1ab",
        slider_color_dark="#7f93a8",
    )
    for name in [name for name in vars(theme) if name.endswith("_dark")]:
        if (value := getattr(theme, name)) is not None:
            setattr(theme, name.removesuffix("_dark"), value)
    return theme


@contextmanager
def _address_errors(settings: ServerSettings) -> Iterator[None]:
    """Say in a sentence that an address cannot be had."""
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"cannot listen at {settings.host}:{settings.port}; stop the program that does, or "
            "choose another BONEFX_PORT"
        ) from error
