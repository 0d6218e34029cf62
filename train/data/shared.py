"""Films that lie in two published sets; a figure between the two leaves them out."""

from __future__ import annotations

import csv
from functools import cache

from train.data.index import SPLITS


@cache
def kaggle_films_of_fracatlas() -> frozenset[str]:
    """Paths, within the Kaggle set "Fracture Multi-Region X-ray Data", of films of FracAtlas."""
    with (SPLITS / "kaggle_shared.csv").open(newline="") as file:
        return frozenset(row["path"] for row in csv.DictReader(file))
