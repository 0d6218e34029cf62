"""Radiograph and Reading -> the figure that shows the film with its map, and tools to look.

A viewer is what has the class of that name: one film on one stage or on several, with one set of
tools for all of them. Read has one stage, Compare one for each map.

The pictures travel inside the page as PNG. So no file of a film lies in gradio's cache, where a
link would open it for anybody, and no value is lost: the film travels at its full depth, and the
browser (assets/viewer.js) draws it through a window and lays map and contour over it.
"""

from __future__ import annotations

import base64
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.films.windows import window_presets
from bonefx.heatmaps.overlay import heat_layer, hot_contours
from bonefx.records import Radiograph, Reading, Verdict
from bonefx.report.wording import map_words, trust_rows

MAX_FILM_PX = 2560  # longer side on screen; a larger film is shown smaller, but read whole
MAX_MAP_PX = 480  # longer side; the map is smooth, the browser enlarges it
OPACITY = 0.5
NO_FILM_HTML = (
    '<div class="film empty"><p>No film.</p>'
    "<p>Drop one anywhere on this page, paste or choose a file, or try an example.</p></div>"
)
READER_FIRST_HTML = "<span>The model has not been asked yet: your read comes first.</span>"
READING_HTML = '<div class="film empty"><p>Reading the film …</p></div>'
KEYS = "Keys: + and - zoom, 0 fits, arrows move, I inverts, M map, C contour, F full screen"
OWN_KEYS = "1 fracture, 2 no fracture, 3 not sure"


def film_figure(film: Radiograph, reading: Reading | None, *, heat_floor: float) -> str:
    """Show the film with its map on top, tools to look at it, and what the map is worth.

    The map is hidden at first where the verdict is no fracture. Without a reading the film stands
    alone, and nothing in the page tells what the model would say.
    """
    heat = None if reading is None else reading.heat
    layers = ""
    if heat is not None:
        layer = heat_layer(shrink_picture(heat, MAX_MAP_PX))
        layers = layers_html(layer, film, path=contour_path(heat))
    hidden = reading is None or reading.verdict is Verdict.NO_FRACTURE
    shown = heat is not None and not hidden
    keys = f"{KEYS}, {OWN_KEYS}" if reading is None else KEYS
    note = READER_FIRST_HTML if reading is None else map_note(reading, heat_floor=heat_floor)
    return (
        f'<figure class="film viewer{" with-map" if shown else ""}" style="--map:{OPACITY}">'
        f"{stage_html(film, layers, label=_description(film, has_map=heat is not None), keys=keys)}"
        f"{tools_html(film, has_map=heat is not None, map_shown=shown)}"
        f"<figcaption>{note}{_trust_html(reading)}</figcaption></figure>"
    )


def stage_html(
    film: Radiograph, layers: str, *, label: str, keys: str = KEYS, carries_film: bool = True
) -> str:
    """Show a film with layers on top, to be drawn by assets/viewer.js.

    Args:
        film: That is shown.
        layers: From layers_html; empty for the film alone.
        label: What a screen reader says of it.
        keys: What keys do, in words.
        carries_film: Hand the pixels over; false for the further stages of one viewer.
    """
    height, width = film.pixels.shape
    source = _source_html(film) if carries_film else ""
    return (
        f'<div class="stage" tabindex="0" role="img" title="{keys}" '
        f'aria-label="{escape(label)}. {keys}.">'
        f'<div class="sheet">{source}<canvas class="pixels"></canvas>'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{layers}</svg>'
        "</div></div>"
    )


def layers_html(layer: NDArray[np.uint8], film: Radiograph, *, path: str = "") -> str:
    """Lay a coloured map over a film, with a contour of its own and the curtain's edge.

    Args:
        layer: (h, w, 4) RGBA, of the film's shape or smaller.
        film: Below it.
        path: From contour_path; empty for none.
    """
    height, width = film.pixels.shape
    contour = path and f'<path class="contour" d="{path}"/>'
    return (
        f'<image class="map" href="{png_data_url(layer)}" width="{width}" height="{height}" '
        f'preserveAspectRatio="none"/>{contour}<line class="curtain" y2="{height}"/>'
    )


def contour_path(heat: NDArray[np.float32]) -> str:
    """Draw the edge of a map's hottest region, on the film's own grid."""
    return " ".join(
        "M" + " L".join(f"{x} {y}" for x, y in line) + "Z" for line in hot_contours(heat)
    )


def _source_html(film: Radiograph) -> str:
    """Hand the film's values over; deep ones with the upper byte as red, the lower as green."""
    values = shrink_picture(film.values, MAX_FILM_PX)
    deep = film.bits > 8
    if deep:
        levels = np.rint(values * 65535.0).astype(np.uint16)
        upper, lower = levels >> 8, levels & 255
        picture = np.dstack([upper, lower, np.zeros_like(upper), np.full_like(upper, 255)])
    else:
        picture = values * 255.0
    bits = 16 if deep else 8
    return f'<img class="source" hidden alt="" data-bits="{bits}" src="{png_data_url(picture)}">'


def tools_html(film: Radiograph, *, has_map: bool, map_shown: bool) -> str:
    """Offer the tools of a viewer: window, zoom, and of the map where there is one."""
    without = "" if has_map else " disabled"
    return (
        '<div class="tools" role="toolbar" aria-label="Film tools">'
        f"{_presets_html(film)}"
        '<label>Level<input type="range" data-tool="level" min="-25" max="125" step="0.2"></label>'
        '<label>Width<input type="range" data-tool="width" min="1" max="200" step="0.2"></label>'
        f"{_switch('invert', 'Invert')}"
        f"{_switch('map', 'Map', on=map_shown, without=without)}"
        f"{_switch('contour', 'Contour', without=without)}"
        f'<label>Opacity<input type="range" data-tool="opacity" value="{100 * OPACITY:.0f}"'
        f"{without}></label>"
        f'<label title="Left of it the film alone">Curtain<input type="range" data-tool="curtain" '
        f'value="0"{without}></label>'
        '<span class="zoom">'
        '<button type="button" data-tool="out" aria-label="Zoom out">&minus;</button>'
        '<button type="button" data-tool="fit">Fit</button>'
        '<button type="button" data-tool="in" aria-label="Zoom in">+</button></span>'
        '<button type="button" data-tool="full">Full screen</button></div>'
    )


def _presets_html(film: Radiograph) -> str:
    options = "".join(
        f'<option data-low="{window.low}" data-high="{window.high}">{escape(window.name)}</option>'
        for window in window_presets(film)
    )
    return (
        f'<label>Window<select data-tool="preset">{options}<option value="own">Own</option>'
        "</select></label>"
    )


def _switch(tool: str, words: str, *, on: bool = False, without: str = "") -> str:
    pressed = "true" if on else "false"
    return (
        f'<button type="button" data-tool="{tool}" aria-pressed="{pressed}"{without}>'
        f"{words}</button>"
    )


def map_note(reading: Reading, *, heat_floor: float) -> str:
    """Say in words what the map shows, or why there is none."""
    if reading.heat is None or reading.heat_peak is None:
        return f"<span>{escape(map_words(reading, shown=False, heat_floor=heat_floor))}</span>"
    hidden = ", hidden at first" if reading.verdict is Verdict.NO_FRACTURE else ""
    return (
        f'<span class="legend"><span>Map{hidden}: evidence for fracture</span><span>0</span>'
        f'<i aria-hidden="true"></i><span>{reading.heat_peak:.2f} logits</span></span>'
    )


def _trust_html(reading: Reading | None) -> str:
    """Tell what was measured of the map, for whoever opens it."""
    if reading is None or reading.trust is None:
        return ""
    held = "fails" if reading.trust.failures else "holds"
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(words)}</dd></div>"
        for name, words in trust_rows(reading.trust)
    )
    return (
        f'<details class="trust"><summary>Can the map be believed? It {held} what maps of found '
        f"fractures do.</summary><dl>{rows}</dl></details>"
    )


def encode_png(picture: NDArray[np.generic]) -> bytes:
    """Encode (H, W) grey or (H, W, 4) RGBA, values 0 to 255, without loss."""
    values = np.rint(picture).astype(np.uint8)
    if values.ndim == 3:
        values = cv2.cvtColor(values, cv2.COLOR_RGBA2BGRA).astype(np.uint8)
    _, encoded = cv2.imencode(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return encoded.tobytes()


def png_data_url(picture: NDArray[np.generic]) -> str:
    """Put a picture of png_bytes into the page itself."""
    return "data:image/png;base64," + base64.b64encode(encode_png(picture)).decode()


def shrink_picture(values: NDArray[np.float32], longest_px: int) -> NDArray[np.float32]:
    """Average a picture down to a longest side; a smaller one stays as it is."""
    height, width = values.shape
    scale = longest_px / max(height, width)
    if scale >= 1:
        return values
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _description(film: Radiograph, *, has_map: bool) -> str:
    what = " ".join(part for part in (film.body_part, film.view, film.laterality) if part)
    shown = "with its evidence map" if has_map else "without a map"
    return f"Radiograph {what} {shown}".replace("  ", " ")
