"""Draw a contact sheet of the films that a model calls wrongly with the most confidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from train.data import Box
from train.data.cache import CachedFilms
from train.plot_style import CLASS_COLOURS, GREY, ORANGE, save_figure, show_film

TILES_PER_ROW = 6
TILE_INCHES = 2.3
MARGIN_PX = 3.0  # between a fracture's edge and the line around it
TITLES = ("Called fracture, labelled no fracture", "Called no fracture, labelled fracture")
ORDERS = (
    "highest probability first",
    "lowest probability first; framed where annotated",
)


def draw_misses(
    films: CachedFilms,
    probability: NDArray[np.float64],
    called: NDArray[np.bool_],
    path: Path,
    *,
    most: int = 24,
) -> None:
    """Draw the missed fractures of lowest and the false alarms of highest probability.

    Each film is shown with its probability and its annotated fractures, without its name. The
    sheet stays in the folder of the run and is never exported, because the licence of a data set
    may not allow its films to be redistributed.

    Args:
        films: N films.
        probability: Calibrated, (N,).
        called: Whether the model calls a film fractured, (N,).
        path: The PNG file to write.
        most: Number of films on the sheet: half of each kind, more of one if the other has fewer.

    Raises:
        RecipeError: The disk is full or the folder may not be written.
    """
    save_figure(misses_figure(films, probability, called, most=most), path)


def worst_misses(
    fractured: NDArray[np.bool_],
    probability: NDArray[np.float64],
    called: NDArray[np.bool_],
    *,
    most: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the worst missed fractures and false alarms, the worst first; see draw_misses.

    Returns:
        Indices of the missed fractures, and of the films without a fracture called fractured.
    """
    missed = np.flatnonzero(fractured & ~called)
    alarms = np.flatnonzero(~fractured & called)
    missed = missed[np.argsort(probability[missed], kind="stable")]
    alarms = alarms[np.argsort(-probability[alarms], kind="stable")]
    room = max(most // 2, most - len(alarms))
    missed = missed[:room]
    return missed, alarms[: most - len(missed)]


def misses_figure(
    films: CachedFilms,
    probability: NDArray[np.float64],
    called: NDArray[np.bool_],
    *,
    most: int,
) -> Figure:
    """Build the sheet of draw_misses as a figure."""
    fractured = films.fractured
    kinds = worst_misses(fractured, probability, called, most=most)
    rows = [-(-len(kind) // TILES_PER_ROW) for kind in kinds]
    heights = [0.45 + count * (TILE_INCHES + 0.3) for count in rows]
    figure = Figure(figsize=(TILES_PER_ROW * TILE_INCHES, sum(heights)), layout="constrained")
    sections = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    for section, kind, label in zip(sections, kinds, (1, 0), strict=True):
        same = fractured == bool(label)
        wrong = int((same & (called != fractured)).sum())
        section.suptitle(
            f"{TITLES[label]}: {wrong} of {same.sum()} films; {len(kind)} shown, {ORDERS[label]}",
            x=0.005, ha="left", fontsize=12, fontweight="bold", color=CLASS_COLOURS[label],
        )  # fmt: skip
        _draw_tiles(section, films, probability, kind)
    return figure


def _draw_tiles(
    section: SubFigure,
    films: CachedFilms,
    probability: NDArray[np.float64],
    kind: NDArray[np.int64],
) -> None:
    if not len(kind):
        return
    tiles = section.subplots(-(-len(kind) // TILES_PER_ROW), TILES_PER_ROW, squeeze=False).ravel()
    for axes, index in zip(tiles, kind, strict=False):
        _draw_tile(axes, films, int(index), float(probability[index]))
    for axes in tiles[len(kind) :]:
        section.delaxes(axes)


def _draw_tile(axes: Axes, films: CachedFilms, index: int, probability: float) -> None:
    show_film(axes, films.squares[films.rows[index]])
    for left, top, right, bottom in boxes_on_square(films, index):
        axes.add_patch(
            Rectangle(
                (left, top), right - left, bottom - top, fill=False, edgecolor=ORANGE, linewidth=1.3
            )
        )
    axes.set_title(f"probability {probability:.3f}", fontsize=9, color=GREY)


def boxes_on_square(films: CachedFilms, index: int) -> list[Box]:
    """Return the boxes of a film on its letterboxed square, with a margin.

    Returns:
        Left, top, right and bottom, with integers at pixel centres, as matplotlib draws a picture.
    """
    place = films.place(index)
    return [
        (
            place.x(left) - 0.5 - MARGIN_PX,
            place.y(top) - 0.5 - MARGIN_PX,
            place.x(right) - 0.5 + MARGIN_PX,
            place.y(bottom) - 0.5 + MARGIN_PX,
        )
        for left, top, right, bottom in films.films[index].boxes
    ]
