"""Draw samples.png of a run's folder: a few films of each split and class, as network input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

from train.data.cache import CachedFilms
from train.plot_style import CLASS_COLOURS, CLASS_LABELS, save_figure, show_film

SAMPLES_FILE = "samples.png"
SAMPLES_PER_ROW = 8
SAMPLE_INCHES = 1.5


def draw_samples(films: dict[str, CachedFilms], path: Path, *, seed: int = 0) -> None:
    """Draw a row of random films for each split and class.

    The image states splits and classes, but no file names. It stays in the run's folder and is
    never exported, because the licence of a data set may not permit redistribution.

    Args:
        films: Cached films by split.
        path: PNG file to write.
        seed: Seed of the random choice.

    Raises:
        RecipeError: The disk is full or the folder is not writable.
    """
    save_figure(build_samples_figure(films, seed=seed), path)


def build_samples_figure(films: dict[str, CachedFilms], *, seed: int = 0) -> Figure:
    """Build the figure of draw_samples; byte-identical files count as one film."""
    rows = [(split, label) for split in films for label in (1, 0)]
    width, height = SAMPLES_PER_ROW * SAMPLE_INCHES, len(rows) * (SAMPLE_INCHES + 0.35)
    figure = Figure(figsize=(width, height), layout="constrained")
    strips = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    random = np.random.default_rng(seed)
    for strip, (split, label) in zip(strips, rows, strict=True):
        _draw_row(
            strip, films[split], label, title=f"{split}, {CLASS_LABELS[label]}", random=random
        )
    return figure


def _draw_row(
    strip: SubFigure, films: CachedFilms, label: int, *, title: str, random: np.random.Generator
) -> None:
    distinct = np.unique(films.rows[films.fractured == bool(label)])
    drawn = random.permutation(distinct)[:SAMPLES_PER_ROW]
    number = int((films.fractured == bool(label)).sum())
    strip.suptitle(
        f"{title}: {len(drawn)} of {number} films", x=0.005, ha="left", fontsize=11,
        fontweight="bold", color=CLASS_COLOURS[label],
    )  # fmt: skip
    for axes, row in zip(
        strip.subplots(1, SAMPLES_PER_ROW, squeeze=False)[0], _pad_row(drawn), strict=True
    ):
        if row < 0:
            axes.set_axis_off()
        else:
            show_film(axes, films.squares[row])


def _pad_row(drawn: NDArray[np.int64]) -> list[int]:
    return [*(int(row) for row in drawn), *[-1] * (SAMPLES_PER_ROW - len(drawn))]
