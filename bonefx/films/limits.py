"""Limits on the size of a film."""

from __future__ import annotations

from bonefx.errors import UnreadableRadiographError
from bonefx.records import MIN_SIDE_PX

MAX_MEGAPIXELS = 50


def check_size(width: int, height: int) -> None:
    """Refuse a film with too many or too few pixels.

    Raises:
        UnreadableRadiographError: It has more than MAX_MEGAPIXELS, or a side below MIN_SIDE_PX.
    """
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise too_large(f"{width} x {height} pixels")
    if min(width, height) < MIN_SIDE_PX:
        raise UnreadableRadiographError(
            f"found {width} x {height} pixels, less than {MIN_SIDE_PX} on a side; "
            "use the film at its full size"
        )


def too_large(found: str) -> UnreadableRadiographError:
    """Return the error for a film beyond MAX_MEGAPIXELS; `found` describes its size."""
    return UnreadableRadiographError(
        f"found {found}, more than {MAX_MEGAPIXELS} megapixels; make the picture smaller"
    )
