"""Find the straight line at which a border of a film ends, on one side of the film.

A border is the shadow of a collimator, the edge of a plate, the mount of a scanned film or an empty
part of a canvas. Its outermost strip has one tone, whatever tone that is, and it ends at a straight
line along the whole side. Nothing but a glow that grows towards the line may lie outside of it. So
anatomy that reaches the edge of a film is no border, and the result does not depend on polarity.

The limits were chosen on FracAtlas training and validation films, on arms of MURA and on web films:
of 140 candidate lines, skin and bone beside air had a straight share of up to 0.68 and structure
outside, edges of collimators and canvases one of 0.75 and more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

MAX_TILT_DEG = 12.0
TILT_STEP_PX = 2  # at the end of a line; steps are searched within 1 px of it
MAX_DEPTH = 0.48  # of the width of the film, so that something remains between two borders
STRIP_PX = 3  # outermost pixels, which must have one tone
SAME_TONE = 0.05  # largest difference from the strip's tone; all tones are shares of the range
STRIP_SHARE = 0.9  # of the rows, in which the strip has that tone
STEP = 0.1  # least change of tone across a line, over 2 * REACH_PX; less where the strip is smooth:
SMOOTH_STEP, NOISES = 0.04, 8.0  # then so many median differences in the strip, and at least this
REACH_PX = 2
BEYOND_PX = 8  # where the border of a row reaches farther in, the row says nothing about the line
MIN_ROWS = 24  # that say something
ENDING_SHARE = 0.5  # of the rows whose border ends anywhere: least share that ends near the line
STEP_SHARE = 0.8  # of the rows whose border ends near a candidate line, that have a step there
SLACK_PX = 5  # between the outermost candidate line and the best one
SEARCH_PX = 5  # around a candidate line, for the place of the step in each row
FALL = 0.06  # larger falls of the difference to the strip's tone, going inwards, are structure
GLOW_PX, FILM_PX = 4, 6  # outside and inside the line, where a glow and the film are compared
AHEAD_PX = 12  # columns beyond the deepest line, for steps there
NEVER = 10_000  # columns, more than a reduced film has


@dataclass(frozen=True, slots=True, kw_only=True)
class BorderLine:
    """The end of a border on the left of a film: column = offset + slope * row, in pixels.

    Attributes:
        offset: First column inside, at the upper edge of row 0.
        slope: Columns per row.
        step_share: Share of the rows that have a step of tone at the line.
        straight_share: Share of the rows whose largest step lies within 1 px of the line.
        step: Median change of tone at the line.
        structure_share: Share of the border in which the tone returns towards the strip's.
        glow: Mean difference of the border from the strip's tone.
        glow_share: Median share of the difference inside the line that the border reaches.
    """

    offset: float
    slope: float
    step_share: float
    straight_share: float
    step: float
    structure_share: float
    glow: float
    glow_share: float

    @property
    def is_sure(self) -> bool:
        """Whether no anatomy can lie outside of the line, in either polarity."""
        return self._is_straight or self._is_ragged

    @property
    def _is_straight(self) -> bool:
        """Whether it is the shadow of a collimator or the edge of a canvas; it may glow."""
        high = self.step >= 0.25 and self.step_share >= 0.95  # in a glow the place is less certain
        least = 0.6 if high else 0.8 if self.step >= STEP else 0.9
        return (
            self.straight_share >= least
            and self.step_share >= 0.9
            and self.structure_share <= 0.01
            and self.glow <= 0.2
            and self.glow_share <= 0.32
        )

    @property
    def _is_ragged(self) -> bool:
        """Whether it is the worn edge of a plate, which differs strongly from the film."""
        at_line = self.step_share >= 0.97 and self.straight_share >= 0.35
        return at_line and self.step >= 0.35 and self.structure_share <= 0.01 and self.glow <= 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class _Border:
    """The rows of a film from its left edge inwards.

    Attributes:
        rows: Index of each row in the film, (n,).
        start: First column of each row that is inside, (n,).
        distance: Difference of each pixel from the tone of the strip, (n, depth + AHEAD_PX).
        depth: Number of columns in which a border may end.
        step: Least change of tone at the line.
    """

    rows: NDArray[np.intp]
    start: NDArray[np.intp]
    distance: NDArray[np.float32]
    depth: int
    step: float = STEP

    @property
    def end(self) -> NDArray[np.intp]:
        """First column of each row that differs from the strip, (n,); NEVER if none does."""
        differs = self.distance >= self.step
        differs[:, :-1] &= differs[:, 1:]  # a single pixel is noise
        return np.where(differs.any(axis=1), differs.argmax(axis=1), NEVER)

    @property
    def rise(self) -> NDArray[np.float32]:
        """Change of the distance at each pixel, over 2 * REACH_PX inwards."""
        rise = np.zeros_like(self.distance)
        far = 2 * REACH_PX
        rise[:, REACH_PX:-REACH_PX] = self.distance[:, far:] - self.distance[:, :-far]
        return rise

    @property
    def sharp_rise(self) -> NDArray[np.float32]:
        """Change of the distance at each pixel, with most weight on the two beside it."""
        rise = self.rise
        rise[:, 1:-1] += self.distance[:, 2:] - self.distance[:, :-2]
        return rise / np.float32(2)


def find_left_border(tones: NDArray[np.float32], inside: NDArray[np.bool_]) -> BorderLine | None:
    """Find the line at which the border on the left of a film ends.

    Args:
        tones: A reduced film, (h, w) in [0, 1].
        inside: Pixels that no border was found on so far, (h, w); convex.

    Returns:
        The line in coordinates of tones; None if the film has no sure border there.
    """
    border = _left_border(tones, inside)
    if border is None:
        return None
    noise = float(np.median(border.distance[:, :STRIP_PX]))
    least = max(SMOOTH_STEP, NOISES * noise)
    found = _sure_line(border)
    return _sure_line(replace(border, step=least)) if found is None and least < STEP else found


def _sure_line(border: _Border) -> BorderLine | None:
    if np.count_nonzero(border.end < NEVER) < MIN_ROWS:
        return None
    candidate = _candidate(border)
    line = None if candidate is None else _measured(border, candidate)
    return line if line is not None and line.is_sure else None


def _left_border(tones: NDArray[np.float32], inside: NDArray[np.bool_]) -> _Border | None:
    rows = np.flatnonzero(inside.any(axis=1))
    if len(rows) < MIN_ROWS:
        return None
    start, width = inside.argmax(axis=1)[rows], inside.sum(axis=1)[rows]
    depth = int(MAX_DEPTH * float(np.median(width)))
    if depth < AHEAD_PX:
        return None
    columns = start[:, None] + np.arange(depth + AHEAD_PX)
    values = tones[rows[:, None], columns.clip(max=tones.shape[1] - 1)]
    strip = values[:, :STRIP_PX]
    tone = np.median(strip)
    if (np.abs(strip - tone).max(axis=1) <= SAME_TONE).mean() < STRIP_SHARE:
        return None
    return _Border(rows=rows, start=start, depth=depth, distance=np.abs(values - tone))


def _candidate(border: _Border) -> NDArray[np.float64] | None:
    """Return the column of each row on the best of the outermost lines with steps."""
    count = len(border.rows)
    across = np.linspace(-1, 1, count)  # of the side, from its upper to its lower end
    reach = TILT_STEP_PX * int(math.tan(math.radians(MAX_TILT_DEG)) * count / 2 / TILT_STEP_PX)
    tilts = np.arange(-reach, reach + 1, TILT_STEP_PX)
    shares = _step_shares(border, tilts)
    shares[np.abs(tilts)[:, None] >= np.arange(border.depth)] = 0  # it would leave the film
    found = np.flatnonzero((shares >= STEP_SHARE).any(axis=0))
    if not len(found):
        return None
    near = shares[:, : found[0] + SLACK_PX + 1] - 1e-6 * np.abs(tilts)[:, None]  # rather upright
    tilt, depth = np.unravel_index(int(near.argmax()), near.shape)
    return float(depth) + float(tilts[tilt]) * across


def _step_shares(border: _Border, tilts: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the share of the ending rows with a step on each line, (tilts, depth).

    Args:
        border: A film's side.
        tilts: Columns from the middle of a line to its lower end.
    """
    count, width = border.distance.shape
    ends = (border.end[:, None] <= np.arange(width) + BEYOND_PX).astype(np.uint8)
    steps = (border.rise >= border.step).astype(np.uint8)
    near = cv2.dilate(steps, np.ones((1, 3), np.uint8)).astype(np.uint8)
    both = cv2.merge([ends, near & ends])
    least = max(MIN_ROWS, ENDING_SHARE * float(ends[:, -1].sum()))
    shares = np.zeros((len(tilts), border.depth))
    for index, tilt in enumerate(tilts.tolist()):
        shear = np.array([[1, 2 * tilt / (count - 1), -tilt], [0, 1, 0]], float)
        upright = cv2.warpAffine(
            both, shear, (border.depth, count), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        )
        ending, stepping = upright.sum(axis=0, dtype=np.int32).T
        shares[index] = np.where(ending >= least, stepping / np.maximum(ending, 1), 0.0)
    return shares


def _measured(border: _Border, candidate: NDArray[np.float64]) -> BorderLine | None:
    """Fit the line to the step in each row, and measure it."""
    steps, found = _steps_near(border, candidate)
    place = np.asarray(border.start + steps + 1, np.float64)  # first column wholly inside
    centres = np.asarray(border.rows + 0.5, np.float64)
    if np.count_nonzero(found) < MIN_ROWS:
        return None
    slope, offset = _fitted(centres, place, found)
    line = offset + slope * centres
    apart = np.abs(place - line)
    at = (np.rint(line).astype(np.intp) - border.start - 1).clip(GLOW_PX, border.depth)
    ending = border.end <= at + BEYOND_PX
    if np.count_nonzero(ending) < MIN_ROWS:
        return None
    before, after, glow_end, film = (
        _at(border.distance, at + reach)[ending]
        for reach in (-REACH_PX, REACH_PX, -GLOW_PX, FILM_PX)
    )
    structure, glow = _outside(border, at)
    return BorderLine(
        offset=offset,
        slope=slope,
        step_share=float(_has_step(border, at)[ending].mean()),
        straight_share=float((found & (apart <= 1.0))[ending].mean()),
        step=float(np.median(after - before)),
        structure_share=structure,
        glow=glow,
        glow_share=float(np.median(glow_end / np.maximum(film, SMOOTH_STEP))),
    )


def _steps_near(
    border: _Border, candidate: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the column of the largest step in each row, and whether it is large enough."""
    around = np.rint(candidate).astype(np.intp)[:, None] + np.arange(-SEARCH_PX, SEARCH_PX + 1)
    around = around.clip(0, border.distance.shape[1] - 1)
    nearby = np.take_along_axis(border.sharp_rise, around, axis=1)
    best = nearby.argmax(axis=1)[:, None]
    steps = np.take_along_axis(around, best, axis=1)[:, 0]
    return steps, np.take_along_axis(nearby, best, axis=1)[:, 0] >= border.step / 2


def _fitted(
    rows: NDArray[np.float64], place: NDArray[np.float64], found: NDArray[np.bool_]
) -> tuple[float, float]:
    """Fit slope and offset of a line, without rows that lie far from it."""
    kept = found
    slope, offset = np.polyfit(rows[kept], place[kept], 1)
    for _ in range(3):
        near = found & (np.abs(place - offset - slope * rows) <= 1.5)
        if np.count_nonzero(near) < MIN_ROWS:
            break
        slope, offset = np.polyfit(rows[near], place[near], 1)
    return float(slope), float(offset)


def _has_step(border: _Border, at: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which rows have a step within 1 px of the line."""
    rise = np.stack([_at(border.rise, at + near) for near in (-1, 0, 1)])
    has: NDArray[np.bool_] = rise.max(axis=0) >= border.step
    return has


def _outside(border: _Border, at: NDArray[np.intp]) -> tuple[float, float]:
    """Return the share of structure outside of the line, and the glow there."""
    outside = np.arange(border.distance.shape[1]) < (at - REACH_PX)[:, None]  # not empty
    fallen = np.maximum.accumulate(border.distance, axis=1) - border.distance > FALL
    return float(fallen[outside].mean()), float(border.distance[outside].mean())


def _at(values: NDArray[np.float32], columns: NDArray[np.intp]) -> NDArray[np.float32]:
    return np.take_along_axis(values, columns[:, None], axis=1)[:, 0]
