"""The dark theme of the page."""

from __future__ import annotations

import gradio as gr

FONTS = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")


MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "monospace")


def dark_theme() -> gr.themes.Base:
    """Return a theme that is dark whatever the browser prefers: its light values are the dark ones.

    It uses system fonts only, so that the page loads nothing from other hosts.
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
