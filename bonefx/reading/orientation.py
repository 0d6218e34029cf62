"""Read films that lie on their side turned upright.

The networks learned from upright films, and find fewer fractures on films turned by 90 degrees. So
a film whose signature shows that it lies on its side is turned before it is read, and its heat map
is turned back. The turn does not depend on who turned the film: a film gives nearly the same answer
in all orientations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bonefx.heatmaps.forward import ForwardPass, run_with_gradients
from bonefx.models.registry import LoadedModel
from bonefx.records import Radiograph, turn_radiograph
from bonefx.scope.gate import find_sideways

UPRIGHT_TURNS = 1  # clockwise; upright and upside down give nearly the same answers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class UprightFilms:
    """Films as the network reads them, and its forward pass.

    Attributes:
        films: N films, turned where they lay on their side.
        batch: The network's input, (N, 3, S, S).
        passed: Forward pass of the batch.
        quarter_turns: Clockwise quarter turns of each film, N.
    """

    films: list[Radiograph]
    batch: torch.Tensor
    passed: ForwardPass
    quarter_turns: list[int]


def pass_upright(model: LoadedModel, films: Sequence[Radiograph]) -> UprightFilms:
    """Run a model on N films; run it again on those that lie on their side, turned upright."""
    read = list(films)
    batch = model.batch(read)
    passed = run_with_gradients(model.network, batch)
    sideways = find_sideways(model.scope, passed.signature.float().cpu().numpy())
    turns = [UPRIGHT_TURNS if lies else 0 for lies in sideways]
    turned = [index for index, quarter_turns in enumerate(turns) if quarter_turns]
    for index in turned:
        read[index] = turn_radiograph(read[index], UPRIGHT_TURNS)
    if turned:
        again = model.batch([read[index] for index in turned])
        batch = _replaced(batch, turned, again)
        passed_again = run_with_gradients(model.network, again)
        passed = ForwardPass(*(_replaced(*parts) for parts in _pairs(passed, turned, passed_again)))
    return UprightFilms(films=read, batch=batch, passed=passed, quarter_turns=turns)


def turn_back(heat: NDArray[np.float32] | None, quarter_turns: int) -> NDArray[np.float32] | None:
    """Turn a heat map, (H, W), back onto the film as it was given."""
    if heat is None or not quarter_turns:
        return heat
    return np.ascontiguousarray(np.rot90(heat, quarter_turns))


def _pairs(
    first: ForwardPass, places: list[int], second: ForwardPass
) -> list[tuple[torch.Tensor, list[int], torch.Tensor]]:
    return [(old, places, new) for old, new in zip(first, second, strict=True)]


def _replaced(values: torch.Tensor, places: list[int], new: torch.Tensor) -> torch.Tensor:
    """Return a copy of values whose entries at some places are those of another tensor."""
    changed = values.clone()
    changed[places] = new
    return changed
