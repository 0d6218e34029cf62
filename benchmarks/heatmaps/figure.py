"""A figure of annotated test films with every method's map."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmarks.heatmaps.model_maps import ModelMaps
from bonefx.heatmaps.methods import HEATMAP_METHODS
from bonefx.heatmaps.overlay import heat_layer
from bonefx.heatmaps.projection import heat_on_input
from train.plot_style import ORANGE, save_figure, show_film

FILMS = 8
TILE_INCHES = 1.9


def draw_maps(maps: ModelMaps, path: Path) -> None:
    """Draw the first films that the model calls fractured, one a row, with boxes and maps.

    Do not publish the figure unless the licence of the data set allows it.
    """
    truths = maps.truths[:FILMS]
    columns = 1 + len(HEATMAP_METHODS)
    figure = Figure(
        figsize=(TILE_INCHES * columns, TILE_INCHES * len(truths)), layout="constrained"
    )
    panels = figure.subplots(len(truths), columns, squeeze=False)
    size_px, grid = maps.films.size_px, maps.model.network.grid()
    for row, truth in zip(panels, truths, strict=True):
        square = maps.films.squares[maps.films.rows[truth.index]]
        for axes in row:
            show_film(axes, square)
        place = maps.films.place(truth.index)
        for left, top, right, bottom in maps.films.films[truth.index].boxes:
            corner = place.x(left), place.y(top)
            sides = (right - left) * place.scale_x, (bottom - top) * place.scale_y
            row[0].add_patch(Rectangle(corner, *sides, fill=False, edgecolor=ORANGE))
        for axes, name in zip(row[1:], HEATMAP_METHODS, strict=True):
            axes.imshow(
                heat_layer(heat_on_input(maps.cells[name][truth.index], grid, size_px=size_px))
            )
    for axes, name in zip(panels[0], ("annotated", *HEATMAP_METHODS), strict=True):
        axes.set_title(name, fontsize=9)
    save_figure(figure, path)
