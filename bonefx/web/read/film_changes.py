"""Changes that the user makes on the film on screen: turning, mirroring, cropping, inverting."""

from __future__ import annotations

from collections.abc import Callable

from bonefx.errors import SettingsError
from bonefx.records import (
    FilmEdit,
    PixelBox,
    Radiograph,
    crop_radiograph,
    invert_radiograph,
    mirror_radiograph,
    turn_radiograph,
)

CHANGES: dict[str, Callable[[Radiograph], Radiograph]] = {  # by the words of their buttons
    "Turn left": lambda film: turn_radiograph(film, -1),
    "Turn right": lambda film: turn_radiograph(film, 1),
    "Mirror": mirror_radiograph,
}
CROP_JS = "(crop, ...others) => [document.documentElement.dataset.crop, ...others]"


def edit_after_crop(film: Radiograph, shares: str | None) -> FilmEdit:
    """Return the edit of a film after cropping it to a rectangle that was drawn on the screen.

    Args:
        film: The film as it is shown.
        shares: Top, left, bottom and right as shares of its height and width, in [0, 1], separated
            by commas; the page's script sets them.

    Raises:
        SettingsError: The rectangle is too small, or was not drawn.
    """
    try:
        top, left, bottom, right = (float(part) for part in (shares or "").split(","))
    except ValueError as error:
        raise SettingsError("no part of the film was drawn; draw a rectangle on it") from error
    height, width = film.pixels.shape
    box = PixelBox(
        top=_clamped(top * height, height - 1),
        left=_clamped(left * width, width - 1),
        bottom=_clamped(bottom * height, height, lowest=_clamped(top * height, height - 1) + 1),
        right=_clamped(right * width, width, lowest=_clamped(left * width, width - 1) + 1),
    )
    return crop_radiograph(film, box).edit


def edit_after_inverting(film: Radiograph) -> FilmEdit:
    """Return the edit of a film after black and white were swapped."""
    return invert_radiograph(film).edit


def _clamped(value: float, highest: int, *, lowest: int = 0) -> int:
    return min(max(round(value), lowest), highest)
