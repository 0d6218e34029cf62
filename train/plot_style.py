"""Common style of the plots of a run: palette, resolution, and PNG files without metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.files import write_atomically

DPI = 110
CLASS_LABELS = ("no fracture", "fracture")

# Okabe and Ito (2008), "Color universal design": distinguishable with colour vision deficiency
BLUE, VERMILION, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#E69F00", "#009E73", "#CC79A7"
GREY = "#6b6b6b"
CLASS_COLOURS = (BLUE, VERMILION)


def save_figure(figure: Figure, path: Path) -> None:
    """Save a figure atomically as PNG on white, without text metadata.

    Raises:
        RecipeError: The disk is full or the folder is not writable.
    """
    write_atomically(
        path,
        lambda part: figure.savefig(
            part, format="png", dpi=DPI, facecolor="white", metadata={"Software": None}
        ),
    )


def show_film(axes: Axes, square: NDArray[np.uint8]) -> None:
    """Draw a letterboxed film, (S, S) uint8, with unchanged grey levels and without ticks."""
    axes.imshow(square, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
    axes.set(xticks=[], yticks=[])


def tidy_axes(axes: Axes) -> None:
    """Remove the upper and right spines and draw a light grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
