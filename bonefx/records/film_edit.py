"""Turn, mirror, crop or invert a radiograph. The checksum stays that of the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonefx.errors import SettingsError
from bonefx.records.radiograph import MIN_SIDE_PX, FilmEdit, PixelBox, Radiograph

QUARTER_TURN_DEGREES = (0, 90, 180, 270)  # of a film, clockwise, by number of quarter turns


def box_of_edges(edges: Any) -> PixelBox:
    """Return the box of the edges top, left, bottom and right, as a user or a program gives them.

    Raises:
        SettingsError: They are not four whole numbers, or the box is empty or begins before the
            film.
    """
    problem = SettingsError(
        "a part to crop to needs four whole numbers, 0 <= top < bottom and 0 <= left < right, got "
        f"{edges}; correct them"
    )
    if not isinstance(edges, (list, tuple)) or len(edges) != 4:
        raise problem
    if any(type(edge) is not int for edge in edges):  # a bool is an int too
        raise problem
    top, left, bottom, right = edges
    try:
        return PixelBox(top=top, left=left, bottom=bottom, right=right)
    except ValueError:
        raise problem from None


def edit_radiograph(film: Radiograph, edit: FilmEdit) -> Radiograph:
    """Apply an edit to a film as read from its file.

    Raises:
        SettingsError: The crop does not lie on the film.
    """
    if edit.crop is not None:
        film = crop_radiograph(film, edit.crop)
    if edit.mirrored:
        film = mirror_radiograph(film)
    film = turn_radiograph(film, edit.quarter_turns)
    return invert_radiograph(film) if edit.inverted else film


def invert_radiograph(film: Radiograph) -> Radiograph:
    """Swap black and white in pixels, values and windows."""
    return replace(
        film,
        pixels=np.float32(1) - film.pixels,
        full=None if film.full is None else np.float32(1) - film.full,
        windows=tuple(
            replace(window, low=1 - window.high, high=1 - window.low) for window in film.windows
        ),
        edit=replace(film.edit, inverted=not film.edit.inverted),
    )


def turn_radiograph(film: Radiograph, quarter_turns: int) -> Radiograph:
    """Turn a film clockwise by a number of quarter turns; negative ones turn it back."""
    turns = quarter_turns % 4
    if turns == 0:
        return film
    height, width = film.pixels.shape
    field, corners = film.field, film.field_corners
    for _ in range(turns):
        field = field and _turned_box(field, height=height)
        corners = tuple((height - y, x) for x, y in corners)
        height, width = width, height
    spacing = film.spacing_mm
    edit = replace(film.edit, quarter_turns=(film.edit.quarter_turns + turns) % 4)
    return replace(
        _map_arrays(film, lambda values: np.rot90(values, -turns)),
        spacing_mm=spacing[::-1] if spacing and turns % 2 else spacing,
        field=field,
        field_corners=corners,
        edit=edit,
    )


def mirror_radiograph(film: Radiograph) -> Radiograph:
    """Swap left and right of a film as it is shown."""
    edit, width = film.edit, film.pixels.shape[1]
    return replace(
        _map_arrays(film, np.fliplr),
        field=film.field and _mirrored_box(film.field, width=width),
        field_corners=tuple((width - x, y) for x, y in film.field_corners),
        edit=replace(
            edit, mirrored=not edit.mirrored, quarter_turns=-edit.quarter_turns % 4
        ),  # turning and then mirroring equals mirroring and then turning back
    )


def crop_radiograph(film: Radiograph, box: PixelBox) -> Radiograph:
    """Keep a part of a film as it is shown. The models then read all of that part.

    Raises:
        SettingsError: The box does not lie on the film, or is smaller than MIN_SIDE_PX.
    """
    height, width = film.pixels.shape
    if box.bottom > height or box.right > width:
        raise SettingsError(
            f"the part to crop to, rows {box.top} to {box.bottom} and columns {box.left} to "
            f"{box.right}, does not lie on the film of {height} rows and {width} columns; choose a "
            "part of the film"
        )
    if min(box.height, box.width) < MIN_SIDE_PX:
        raise SettingsError(
            f"the part to crop to has {box.width} x {box.height} pixels, less than {MIN_SIDE_PX} "
            "on a side; choose a larger one"
        )
    edit = replace(film.edit, crop=box_as_read(box, shape=film.pixels.shape, edit=film.edit))
    part = box.slices
    cropped = _map_arrays(film, lambda values: values[part])
    return replace(cropped, field=None, field_corners=(), edit=edit)


def edit_matrix(film: Radiograph) -> tuple[float, float, float, float, float, float]:
    """Return how points of a film as read from its file move to the film as it is shown.

    Returns:
        a, b, c, d, e and f of x' = a x + c y + e and y' = b x + d y + f, in pixels from the upper
        left corner; the order of CSS and SVG.
    """
    left, top = _point_as_shown(0, 0, film)
    (right, right_y), (down_x, down) = _point_as_shown(1, 0, film), _point_as_shown(0, 1, film)
    return right - left, right_y - top, down_x - left, down - top, left, top


def _point_as_shown(x: float, y: float, film: Radiograph) -> tuple[float, float]:
    """Map a point of the film as read to the film as shown."""
    edit, shape = film.edit, film.pixels.shape
    height, width = shape[::-1] if edit.quarter_turns % 2 else shape
    if edit.crop is not None:
        x, y = x - edit.crop.left, y - edit.crop.top
    if edit.mirrored:
        x = width - x
    for _ in range(edit.quarter_turns):
        x, y = height - y, x
        height, width = width, height
    return x, y


def _map_arrays(film: Radiograph, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Radiograph:
    full = None if film.full is None else np.ascontiguousarray(change(film.full))
    return replace(film, pixels=np.ascontiguousarray(change(film.pixels)), full=full)


def box_as_read(box: PixelBox, *, shape: tuple[int, ...], edit: FilmEdit) -> PixelBox:
    """Map a box of a film as shown to the grid of the film as read from its file.

    Args:
        box: On the film as shown.
        shape: Height and width of the film as shown.
        edit: What was changed on the film.
    """
    height, width = shape
    for _ in range(-edit.quarter_turns % 4):
        box = _turned_box(box, height=height)
        height, width = width, height
    if edit.mirrored:
        box = _mirrored_box(box, width=width)
    before = edit.crop
    if before is None:
        return box
    return PixelBox(
        top=box.top + before.top,
        left=box.left + before.left,
        bottom=box.bottom + before.top,
        right=box.right + before.left,
    )


def _turned_box(box: PixelBox, *, height: int) -> PixelBox:
    """Turn a box clockwise with its grid of `height` rows."""
    return PixelBox(
        top=box.left, left=height - box.bottom, bottom=box.right, right=height - box.top
    )


def _mirrored_box(box: PixelBox, *, width: int) -> PixelBox:
    return replace(box, left=width - box.right, right=width - box.left)
