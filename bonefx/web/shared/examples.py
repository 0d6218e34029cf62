"""The example films, and the gallery that offers them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup
from pydantic import TypeAdapter

from bonefx import data_folder
from bonefx.films.decoding.pool import decode_film
from bonefx.web.shared.templates import render
from bonefx.web.shared.viewer import png_data_url

EXAMPLES = data_folder("examples")
EXAMPLE_THUMBNAIL_PX = 112
ON_LOAD = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-film]');
    if (button) trigger('select', {index: Number(button.dataset.film)});
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A film of a public data set with its annotation.

    Attributes:
        file: File name in the folder of films.json.
        label: Ground truth of the data set: fracture or no_fracture.
        region: Body region.
        boxes: Annotated fractures, [left, top, right, bottom] in pixels.
        sha256: Checksum of the file.
    """

    file: str
    label: str
    region: str
    boxes: tuple[tuple[int, int, int, int], ...]
    sha256: str

    @property
    def path(self) -> Path:
        """Path of the film's file."""
        return EXAMPLES / self.file

    @property
    def truth(self) -> str:
        """Ground truth in words."""
        return self.label.replace("_", " ")


def load_examples() -> tuple[Example, ...]:
    """Read films.json; empty in an installation without examples."""
    table = EXAMPLES / "films.json"
    if not table.is_file():
        return ()
    return TypeAdapter(tuple[Example, ...]).validate_json(table.read_bytes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """An example as the gallery shows it.

    Attributes:
        region: Body region.
        thumbnail_url: Data URL of the small picture.
    """

    region: str
    thumbnail_url: str


def gallery_html(examples: tuple[Example, ...]) -> Markup:
    """Render the examples as buttons; their labels do not reveal the ground truth."""
    return render("shared/gallery.html.j2", examples=[_thumbnail(one) for one in examples])


def _thumbnail(example: Example) -> Thumbnail:
    pixels = decode_film(example.path).pixels
    scale = EXAMPLE_THUMBNAIL_PX / min(pixels.shape)
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    levels = np.rint(small * 255.0).astype(np.uint8)
    return Thumbnail(region=example.region, thumbnail_url=png_data_url(levels))
