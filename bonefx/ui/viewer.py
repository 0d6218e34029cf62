"""Radiograph and Reading -> the figure that shows the film with its map.

The pictures travel inside the page as PNG. So no file of a film lies in gradio's cache, where a
link would open it for anybody, and no grey level is lost to compression. The browser lays the map
over the film; its opacity is a style (--map), so that changing it costs nothing here.
"""

from __future__ import annotations

import base64
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.explain import heat_layer
from bonefx.records import Radiograph, Reading, Verdict

MAX_FILM_PX = 2560  # longer side on screen; a larger film is shown smaller, but read whole
MAX_MAP_PX = 480  # longer side; the map is smooth, the browser enlarges it
EMPTY = (
    '<div class="film empty"><p>No film.</p>'
    "<p>Drop one anywhere on this page, choose a file, or try an example.</p></div>"
)
READING = '<div class="film empty"><p>Reading the film …</p></div>'


def film_figure(film: Radiograph, reading: Reading, *, heat_floor: float) -> str:
    """Show the film with its map on top, and say below what the map is worth."""
    height, width = film.pixels.shape
    film_url = png_url(shrunk(film.pixels, MAX_FILM_PX) * 255.0)
    layer = "" if reading.heat is None else (
        f'<image class="map" href="{png_url(heat_layer(shrunk(reading.heat, MAX_MAP_PX)))}" '
        f'width="{width}" height="{height}" preserveAspectRatio="none"/>'
    )  # fmt: skip
    return (
        '<figure class="film">'
        f'<svg viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(_description(film, reading))}">'
        f'<image class="pixels" href="{film_url}" width="{width}" height="{height}"/>{layer}</svg>'
        f"<figcaption>{map_note(reading, heat_floor=heat_floor)}"
        '<button type="button" class="quiet" '
        "onclick=\"this.closest('figure').requestFullscreen()\">Full screen</button>"
        "</figcaption></figure>"
    )


def map_note(reading: Reading, *, heat_floor: float) -> str:
    """Say in words what the map shows, or why there is none."""
    if reading.heat is None or reading.heat_peak is None:
        return (
            "<span>No map: the evidence is below the floor. Its peak is "
            f"{reading.heat_peak or 0:.2f}, the floor {heat_floor:.2f} logits.</span>"
        )
    hidden = ", hidden at first" if reading.verdict is Verdict.NO_FRACTURE else ""
    return (
        f'<span class="legend"><span>Map{hidden}: evidence for fracture</span><span>0</span>'
        f'<i aria-hidden="true"></i><span>{reading.heat_peak:.2f} logits</span></span>'
    )


def png_bytes(picture: NDArray[np.generic]) -> bytes:
    """Encode (H, W) grey or (H, W, 4) RGBA, values 0 to 255, without loss."""
    values = np.rint(picture).astype(np.uint8)
    if values.ndim == 3:
        values = cv2.cvtColor(values, cv2.COLOR_RGBA2BGRA).astype(np.uint8)
    _, encoded = cv2.imencode(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return encoded.tobytes()


def png_url(picture: NDArray[np.generic]) -> str:
    """Put a picture of png_bytes into the page itself."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(picture)).decode()


def shrunk(values: NDArray[np.float32], longest_px: int) -> NDArray[np.float32]:
    """Average a picture down to a longest side; a smaller one stays as it is."""
    height, width = values.shape
    scale = longest_px / max(height, width)
    if scale >= 1:
        return values
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _description(film: Radiograph, reading: Reading) -> str:
    what = " ".join(part for part in (film.body_part, film.view, film.laterality) if part)
    shown = "with its evidence map" if reading.heat is not None else "without a map"
    return f"Radiograph {what} {shown}".replace("  ", " ")
