"""Options of the commands evaluate and scope."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bonefx.models.registry import TORCH_ENGINE


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetDescription:
    """Name, licence and source of a data set, for the card."""

    name: str
    licence: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """Which films are measured, and how.

    Attributes:
        data: Folder of the data set that the model was trained on.
        cache: Folder of decoded films.
        device: A torch device.
        splits: CSV file of the splits that the model was fitted with; None for the layout's own.
        with_test: Measure on test films too: once, when no choice is left to be made.
        size_px: Side of the network input; None takes that of the last training stage. A
            network trained on magnified films often reads best at a slightly larger size (Touvron
            et al. 2019, "Fixing the train-test resolution discrepancy"): compare sizes on val.
        orientations: In how many orientations the network reads a film, 1 or 4; None for that of a
            model folder, and 1 for a run. Compare them on val.
        engine: What runs the network on a CPU; see registry.ENGINES.
        grouped: An evaluated run of the same recipe on a grouped split of the same set.
        outside: Folder of another data set.
        outside_layout: A key of ADAPTERS.
        outside_splits: CSV file with the groups of the outside films.
        description: Replaces the description of the data set; None keeps that of its layout.
        outside_name: Replaces the name of the outside set; None keeps that of its layout.
        full: Use the whole weights although the recipe compresses the head.
        intruders: Folder of pictures that are not bone radiographs; one half teaches the scope,
            the other half is measured.
    """

    data: Path
    cache: Path
    device: str
    splits: Path | None = None
    with_test: bool = False
    size_px: int | None = None
    orientations: Literal[1, 4] | None = None
    engine: str = TORCH_ENGINE
    grouped: Path | None = None
    outside: Path | None = None
    outside_layout: str = "fracatlas"
    outside_splits: Path | None = None
    description: DataSetDescription | None = None
    outside_name: str | None = None
    full: bool = False
    intruders: Path | None = None
