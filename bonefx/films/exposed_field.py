"""Find the exposed field of a film: the film without collimation borders, plate edges and mounts.

Borders are found side by side from the outside inwards, so that a film in a white mount on a black
canvas is found in two rounds. A film without a border is not changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bonefx.films.automatic_window import fit_to_field
from bonefx.films.border_lines import BorderLine, find_left_border
from bonefx.records import Corners, PixelBox, Radiograph, convex_mask

LONGEST_PX = 320  # of the reduced film on which borders are searched
SIDES = 4
MAX_ROUNDS = 5
UPRIGHT_PX = 2.0  # a line that moves less along its side is taken as upright
MIN_FIELD = 0.1  # share of the film; a smaller field is not believed
MIN_BORDER = 0.04  # share of the film; narrower borders are left on it, as on most plates
FILLS = 0.995  # share of its bounds, from which a field is taken to fill them
TAIL = 0.001  # share of the values beyond either end of the range of tones


class ExposedField(NamedTuple):
    """The exposed field of a film.

    Attributes:
        box: Its bounds.
        corners: Its corners, convex; empty if the field fills the box.
    """

    box: PixelBox
    corners: Corners = ()


def with_exposed_field(film: Radiograph) -> Radiograph:
    """Return a film with its exposed field and, if its window is automatic, that field's window.

    Args:
        film: A film as read. Bounds that its file states are refined, never widened.
    """
    field = find_exposed_field(film.exposed)
    if field is None:
        return fit_to_field(film)
    top, left = (film.field.top, film.field.left) if film.field else (0, 0)
    box = PixelBox(
        top=field.box.top + top, left=field.box.left + left,
        bottom=field.box.bottom + top, right=field.box.right + left,
    )  # fmt: skip
    corners = tuple((x + left, y + top) for x, y in field.corners)
    return fit_to_field(replace(film, field=box, field_corners=corners))


def find_exposed_field(values: NDArray[np.float32]) -> ExposedField | None:
    """Find the exposed field of a film.

    Args:
        values: (H, W), finite, of any range and polarity, before or after windowing.

    Returns:
        The field; None if the film has no border that is wide enough and sure.
    """
    reduced = _reduced(values)
    height, width = reduced.shape
    whole = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    outline = _outline(reduced, whole)
    if _area(outline) > (1 - MIN_BORDER) * height * width:
        return None
    scale = np.array([values.shape[1] / width, values.shape[0] / height])
    return _as_field(outline * scale, values.shape)


def _reduced(values: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = min(1.0, LONGEST_PX / max(values.shape))
    height, width = (max(2, round(side * scale)) for side in values.shape)
    film = np.asarray(values, np.float32)
    if scale == 1:
        return film
    reduced = cv2.resize(film, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.float32)


def _outline(reduced: NDArray[np.float32], outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut borders off an outline, (N, 2) corners in pixels, until no side has one."""
    height, width = reduced.shape
    for _ in range(MAX_ROUNDS):
        inside = convex_mask(outline, PixelBox(top=0, left=0, bottom=height, right=width))
        cut = _without_borders(_tones(reduced, inside), inside, outline)
        if cut is outline or _area(cut) < MIN_FIELD * reduced.size:
            break
        outline = cut
    return outline


def _tones(reduced: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scale a film to the range of its values inside the outline."""
    low, high = np.quantile(reduced[inside], (TAIL, 1 - TAIL))
    if not low < high:
        return np.zeros_like(reduced)
    tones: NDArray[np.float32] = np.clip((reduced - low) / (high - low), 0, 1)
    return tones.astype(np.float32)


def _without_borders(
    tones: NDArray[np.float32], inside: NDArray[np.bool_], outline: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cut one border off each side that has one; return the same outline if none has."""
    cut = outline
    for side in range(SIDES):  # each side is searched on the film as it was before this round
        turned = np.ascontiguousarray(np.rot90(tones, side))
        line = find_left_border(turned, np.ascontiguousarray(np.rot90(inside, side)))
        if line is not None:
            own = _turned(cut, side, tones.shape)
            kept = _right_of(_upright(line, turned.shape[0]), own)
            cut = _turned(kept, -side % SIDES, turned.shape)
    return cut


def _upright(line: BorderLine, height: int) -> BorderLine:
    if abs(line.slope) * height > UPRIGHT_PX:
        return line
    return replace(line, offset=line.offset + line.slope * height / 2, slope=0.0)


def _turned(points: NDArray[np.float64], turns: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Turn points (x, y) with their film of the given shape, counter-clockwise as np.rot90."""
    height, width = shape
    for _ in range(turns):
        points = np.stack([points[:, 1], width - points[:, 0]], axis=1)
        height, width = width, height
    return points


def _right_of(line: BorderLine, outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part of a convex outline to the right of a line.

    Source:
        Sutherland and Hodgman (1974), "Reentrant polygon clipping", for one edge.
    """
    beyond = outline[:, 0] - line.offset - line.slope * outline[:, 1]
    kept: list[NDArray[np.float64]] = []
    for index, point in enumerate(outline):
        before = index - 1
        if (beyond[index] >= 0) != (beyond[before] >= 0):
            share = beyond[before] / (beyond[before] - beyond[index])
            kept.append(outline[before] + share * (point - outline[before]))
        if beyond[index] >= 0:
            kept.append(point)
    return np.array(kept).reshape(-1, 2)


def _area(outline: NDArray[np.float64]) -> float:
    x, y = outline.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def _as_field(outline: NDArray[np.float64], shape: tuple[int, ...]) -> ExposedField:
    left, top = np.rint(outline.min(axis=0)).astype(int).tolist()
    right, bottom = np.rint(outline.max(axis=0)).astype(int).tolist()
    box = PixelBox(
        top=max(0, top), left=max(0, left), bottom=min(shape[0], bottom), right=min(shape[1], right)
    )
    fills = _area(outline) >= FILLS * float(np.prod(np.ptp(outline, axis=0)))
    corners = tuple((float(x), float(y)) for x, y in outline)
    return ExposedField(box, () if fills else corners)
