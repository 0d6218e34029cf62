"""One region of a film that a model takes for a fracture."""

from __future__ import annotations

from dataclasses import dataclass

from bonefx.records.radiograph import PixelBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A hot region of a heat map.

    Attributes:
        number: From 1, the region with the most evidence first.
        box: Bounds of the region on the film's own grid.
        evidence: Largest value of the map in the region, in logits.
        probability: Share of findings with such evidence that lay at a fracture, on validation
            films, in [0, 1]; None if the model's findings were not measured.
    """

    number: int
    box: PixelBox
    evidence: float
    probability: float | None = None
