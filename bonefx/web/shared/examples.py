"""The example films: what they are, and the row of buttons that offers them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
from pydantic import TypeAdapter

from bonefx import data_folder
from bonefx.films import images
from bonefx.web.shared.viewer import encode_png

EXAMPLES = data_folder("examples")
THUMBNAIL_PX = 112
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
        file: Name beside films.json.
        label: fracture or no_fracture, as the data set says.
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
        """Where the film lies."""
        return EXAMPLES / self.file

    @property
    def truth(self) -> str:
        """The data set's label in words."""
        return self.label.replace("_", " ")


def load_examples() -> tuple[Example, ...]:
    """Read films.json; an installation without examples offers none."""
    table = EXAMPLES / "films.json"
    if not table.is_file():
        return ()
    return TypeAdapter(tuple[Example, ...]).validate_json(table.read_bytes())


def gallery_html(examples: tuple[Example, ...]) -> str:
    """Offer the examples as buttons; their labels do not tell the answer."""
    buttons = "".join(_button(i, example) for i, example in enumerate(examples))
    return f'<div class="examples" role="group" aria-label="Example films">{buttons}</div>'


def _button(index: int, example: Example) -> str:
    pixels = images.read_radiograph(example.path).pixels
    scale = THUMBNAIL_PX / min(pixels.shape)
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    url = base64.b64encode(encode_png(small * 255.0)).decode()
    region = escape(example.region)
    return (
        f'<button type="button" data-film="{index}" aria-label="Example {index + 1}: {region}">'
        f'<img src="data:image/png;base64,{url}" alt=""><span>{region.capitalize()}</span></button>'
    )
