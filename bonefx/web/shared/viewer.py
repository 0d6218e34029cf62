"""HTML of the viewer: a film with its heat map and tools.

A viewer is an element of the class "viewer": one film on one or more stages, with one set of tools
for all stages. Read has one stage, Compare has one for each map.

The pictures are part of the page, as PNG in data URLs. So no file of a film lies in gradio's cache,
where anybody could open it by its link. The film keeps its full depth: the browser
(assets/js/viewer.js) applies the window and draws map and contour on top. Of a film that is shown
reduced the page gets the visible part at full resolution when the user zooms in; see film_parts.py.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from bonefx.films.raster import encode_png, shrink_to
from bonefx.films.windows import window_presets
from bonefx.heatmaps.overlay import heat_layer, hot_contours
from bonefx.records import Finding, Radiograph, Reading, SpacingPlane, Verdict, edit_matrix
from bonefx.report.compose import OPACITY
from bonefx.report.wording.maps import finding_name, finding_words, map_words
from bonefx.web.shared.templates import render

MAX_FILM_PX = 2560  # longer side on screen; a larger film is shown smaller, but read whole
SHOWN_BITS = (8, 12, 16)  # see readValues in assets/js/viewer.js
MAX_MAP_PX = 480  # longer side; the map is smooth, the browser enlarges it
NO_FILM_HTML = render(
    "shared/empty_film.html.j2",
    opening=False,
    lines=[
        "No film.",
        "Drop one anywhere on this page, paste or choose a file, or try an example.",
    ],
)
READING_HTML = render("shared/empty_film.html.j2", opening=True, lines=["Reading the film …"])
READER_FIRST = "The model has not read this film yet: your answer comes first."
KEYS = "Keys: + and - zoom, 1 full size, 0 resets, arrows move, ? lists all keys"
OWN_KEYS = "Keys: 1 fracture, 2 no fracture, 3 not sure, + and - zoom, 0 resets, ? lists all keys"
LENGTH_UNITS = {
    SpacingPlane.PATIENT: "mm",
    SpacingPlane.DETECTOR: "mm at the detector plane",
    SpacingPlane.UNKNOWN: "mm, magnification not stated",
}


def film_figure(
    film: Radiograph, reading: Reading | None, *, heat_floor: float, opening: str = ""
) -> Markup:
    """Render a film with its heat map and the tools.

    The map is hidden at first where the verdict is no fracture.

    Args:
        film: The film.
        reading: The model's reading; None while the reader's own answer is awaited, and then
            nothing on the page depends on the model.
        heat_floor: Peak below which the model's maps are not shown, in logits.
        opening: See stage_html.
    """
    heat = None if reading is None else reading.heat
    has_map = heat is not None
    map_shown = reading is not None and has_map and reading.verdict is not Verdict.NO_FRACTURE
    return render(
        "shared/film_figure.html.j2",
        map_shown=map_shown,
        opacity=OPACITY,
        stage=stage_html(
            film,
            Markup() if reading is None else _map_layers(reading, film),
            label=_description(film, has_map=has_map),
            keys=OWN_KEYS if reading is None else KEYS,
            opening=opening,
        ),
        tools=tools_html(film, has_map=has_map, map_shown=map_shown),
        reader_first=READER_FIRST if reading is None else "",
        reduced=reduced_words(film),
        note=Markup() if reading is None else map_note(reading, heat_floor=heat_floor),
        findings=Markup() if reading is None else findings_list(reading),
    )


def reduced_words(film: Radiograph) -> str:
    """Return that a large film is shown smaller than it is; empty for other films."""
    longer = max(film.pixels.shape)
    if longer <= MAX_FILM_PX:
        return ""
    return (
        f"Shown reduced to {MAX_FILM_PX:,} of {longer:,} px until you zoom in; the model reads the "
        "whole film."
    )


def stage_html(
    film: Radiograph,
    layers: str,
    *,
    label: str,
    keys: str = KEYS,
    carries_film: bool = True,
    opening: str = "",
) -> Markup:
    """Render a film with layers on top, for assets/js/viewer.js to draw.

    Args:
        film: The film.
        layers: HTML from layers_html; empty for the film alone.
        label: Description for screen readers.
        keys: Description of the keys.
        carries_film: Include the pixels; false for the further stages of one viewer.
        opening: Name of the opening of the film, from new_opening; the page keeps measurements as
            long as it stays the same. Empty to keep nothing, and to offer no full resolution.
    """
    height, width = film.pixels.shape
    return render(
        "shared/stage.html.j2",
        label=label,
        keys=keys,
        source_url=values_url(shrink_to(film.values, MAX_FILM_PX), film) if carries_film else "",
        bits=shown_bits(film),
        opening=opening,
        view=view_name(film, opening),
        matrix=edit_matrix(film),
        spacing=film.spacing_mm or (),
        unit=LENGTH_UNITS[film.spacing_plane] if film.spacing_mm and film.spacing_plane else "px",
        width=width,
        height=height,
        layers=layers,
    )


def layers_html(
    layer: NDArray[np.uint8],
    film: Radiograph,
    *,
    path: str = "",
    findings: Sequence[Finding] = (),
) -> Markup:
    """Render a coloured map that lies over a film, with its contour and the curtain's edge.

    Args:
        layer: (h, w, 4) RGBA, of the film's shape or smaller.
        film: The film below the map.
        path: Contour from contour_path; empty for none.
        findings: Of the map, whose numbers stand beside them.
    """
    height, width = film.pixels.shape
    return render(
        "shared/layers.html.j2",
        url=png_data_url(layer),
        width=width,
        height=height,
        contour=path,
        findings=findings,
    )


def _map_layers(reading: Reading, film: Radiograph) -> Markup:
    if reading.heat is None:
        return Markup()
    layer, path = heat_layer(shrink_to(reading.heat, MAX_MAP_PX)), contour_path(reading.heat)
    return layers_html(layer, film, path=path, findings=reading.findings)


def findings_list(reading: Reading) -> Markup:
    """Render the findings of a map as buttons that show one near.

    Empty without a map, and where the verdict is no fracture: the map is hidden there at first.
    """
    listed = reading.heat is not None and reading.verdict is not Verdict.NO_FRACTURE
    return render(
        "shared/findings.html.j2",
        findings=reading.findings if listed else (),
        finding_name=finding_name,
        finding_title=finding_words,
    )


def contour_path(heat: NDArray[np.float32]) -> str:
    """Return the outline of a map's hottest regions as an SVG path, in pixels of the film."""
    return " ".join(
        "M" + " L".join(f"{x} {y}" for x, y in line) + "Z" for line in hot_contours(heat)
    )


def new_opening() -> str:
    """Return a name for one opening of a film, which nobody can guess."""
    return secrets.token_urlsafe(12)


def view_name(film: Radiograph, opening: str) -> str:
    """Return the name of a film as it is shown: its opening, and what the user changed on it."""
    return f"{opening} {film.edit}"


def shown_bits(film: Radiograph) -> int:
    """Return the depth in which a film is sent to the page."""
    return next(bits for bits in SHOWN_BITS if film.bits <= bits or bits == SHOWN_BITS[-1])


def values_url(values: NDArray[np.float32], film: Radiograph) -> str:
    """Encode values of a film at its depth; readValues in assets/js/viewer.js reads them.

    A deep film carries the upper byte as red, the lower as green.
    """
    bits = shown_bits(film)
    if bits == SHOWN_BITS[0]:
        return png_data_url(np.rint(values * 255.0).astype(np.uint8))
    levels = np.rint(values * (2**bits - 1)).astype(np.uint16) << (16 - bits)
    planes = np.dstack([levels >> 8, levels & 255, np.zeros_like(levels)]).astype(np.uint8)
    return data_url(encode_png(planes, repeats=False))


def tools_html(film: Radiograph, *, has_map: bool, map_shown: bool) -> Markup:
    """Render the tools of a viewer: window, zoom, and those for the map.

    Args:
        film: The film, which gives the preset windows.
        has_map: False disables the tools for the map.
        map_shown: Whether the map is visible at first.
    """
    return render(
        "shared/tools.html.j2",
        windows=window_presets(film),
        has_map=has_map,
        map_shown=map_shown,
        opacity=OPACITY,
    )


def map_note(reading: Reading, *, heat_floor: float) -> Markup:
    """Render the colour scale of a heat map, or why there is no map."""
    has_map = reading.heat is not None and reading.heat_peak is not None
    return render(
        "shared/map_note.html.j2",
        no_map="" if has_map else map_words(reading, shown=False, heat_floor=heat_floor),
        hidden=reading.verdict is Verdict.NO_FRACTURE,
        peak=reading.heat_peak,
    )


def png_data_url(picture: NDArray[np.uint8]) -> str:
    """Encode a picture as PNG in a data URL; see encode_png."""
    return data_url(encode_png(picture))


def data_url(png: bytes) -> str:
    """Return a data URL of a PNG file's content."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _description(film: Radiograph, *, has_map: bool) -> str:
    what = " ".join(part for part in (film.body_part, film.view, film.laterality) if part)
    shown = "with its evidence map" if has_map else "without a map"
    return f"Radiograph {what} {shown}".replace("  ", " ")
