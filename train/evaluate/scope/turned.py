"""Read films in their four quarter turns, as they may be put down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonefx.models.networks import QUARTER_TURNS, SplitNetwork, single_orientation
from bonefx.models.preprocess import PreprocessSpec
from train.data.cache import CachedFilms
from train.evaluate.scope.fit import MeasuredSplit, turned_measures
from train.evaluate.split_figures import ReadSplit
from train.fit.outputs import compute_film_signatures, compute_turned_outputs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # it holds arrays
class TurnedFilms:
    """N films, each in the four quarter turns.

    Attributes:
        logits: Of the network that reads one orientation, (4, N).
        signatures: As the model reads the films, (4, N, D). A model that reads all orientations has
            the same in each.
        measures: By GREY_LEVEL_RULES, (4, N, M).
    """

    logits: NDArray[np.float64]
    signatures: NDArray[np.float32]
    measures: NDArray[np.float64]

    def select(self, indices: NDArray[np.int64]) -> TurnedFilms:
        """Return the films at the given indices, in that order."""
        return TurnedFilms(
            logits=self.logits[:, indices],
            signatures=self.signatures[:, indices],
            measures=self.measures[:, indices],
        )


def read_turned(
    network: SplitNetwork, read: ReadSplit, spec: PreprocessSpec, *, salvage: bool
) -> TurnedFilms:
    """Read films in the four quarter turns.

    Args:
        network: Reads one orientation or all of them.
        read: N films, with the outputs of the network.
        spec: Preprocessing of the network.
        salvage: See bonefx.films.formats.read.
    """
    single, signatures = single_orientation(network), read.outputs.signatures
    outputs = [
        (read.logits, signatures)  # as they were read
        if single is network and turns == 0
        else compute_turned_outputs(single, read.films, spec, quarter_turns=turns)
        for turns in range(QUARTER_TURNS)
    ]
    return TurnedFilms(
        logits=np.stack([logits for logits, _ in outputs]),
        signatures=np.stack([own if single is network else signatures for _, own in outputs]),
        measures=turned_measures(read.films.films, salvage=salvage),
    )


def each_in_all_turns(read: ReadSplit, turned: TurnedFilms) -> MeasuredSplit:
    """Return each film in its four orientations, as films of its own."""
    return MeasuredSplit(
        films=list(read.films.films) * QUARTER_TURNS,
        signatures=np.concatenate(list(turned.signatures)),
        measures=np.concatenate(list(turned.measures)),
        quarter_turns=np.repeat(np.arange(QUARTER_TURNS), len(read.films.films)),
    )


def each_in_one_turn(
    network: SplitNetwork, films: CachedFilms, spec: PreprocessSpec, *, salvage: bool
) -> MeasuredSplit:
    """Measure each film in one orientation: the first as it is, the next turned once, and so on."""
    measures = turned_measures(films.films, salvage=salvage)
    parts = []
    for turns in range(QUARTER_TURNS):
        places = np.arange(turns, len(films.films), QUARTER_TURNS)
        own = films.select(places)
        signatures = compute_film_signatures(network, own, spec, quarter_turns=turns)
        parts.append(
            MeasuredSplit(
                films=own.films,
                signatures=signatures,
                measures=measures[turns, places],
                quarter_turns=np.full(len(places), turns),
            )
        )
    return MeasuredSplit(
        films=[film for part in parts for film in part.films],
        signatures=np.concatenate([part.signatures for part in parts]),
        measures=np.concatenate([part.measures for part in parts]),
        quarter_turns=np.concatenate([part.quarter_turns for part in parts]),
    )
