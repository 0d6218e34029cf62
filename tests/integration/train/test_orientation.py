"""Recognition of films on their side, and the figures of turned films."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from bonefx.records import Calibration
from tests.fixtures.records import make_point
from tests.fixtures.scopes import SIGNATURE_LENGTH, make_scope
from train.evaluate.scope import orientation
from train.evaluate.scope.orientation import (
    MAX_TURNED_SHARE,
    TurnedOutputs,
    fit_sideways,
    measure_orientation,
)

N = 120
CALIBRATION = Calibration(method="platt", slope=1.0, intercept=0.0, n=N, split="val")
POINT = make_point(threshold=0.5, review_band=(0.4, 0.6))


@dataclass(frozen=True)
class Films:
    """N films of one patient each, half of them fractured."""

    films: range

    def select(self, indices):
        return Films(films=range(len(indices)))

    @property
    def groups(self):
        return np.arange(len(self.films)).astype(str)

    @property
    def fractured(self):
        return np.arange(len(self.films)) % 2 == 1


def signatures_of(turns, count, seed=0):
    """Return signatures whose first element is larger on films that lie on their side."""
    values = np.random.default_rng(seed + turns).normal(size=(count, SIGNATURE_LENGTH))
    values[:, 0] += 6 * (turns % 2)
    return values.astype(np.float32)


@pytest.fixture
def scope(monkeypatch):
    """Return a scope that recognises films on their side, fitted on invented signatures."""
    monkeypatch.setattr(
        orientation,
        "compute_film_signatures",
        lambda _, films, __, quarter_turns: signatures_of(quarter_turns, len(films.films)),
    )
    plain = make_scope()
    films: Any = Films(range(N))
    nothing: Any = None
    weights, bias = fit_sideways(plain, nothing, films, nothing, val=signatures_of(0, N, seed=9))
    return replace(plain, sideways_weights=weights, sideways_bias=bias)


def test_few_upright_films_and_most_films_on_their_side_are_recognised(scope):
    assert scope.sideways(signatures_of(0, N, seed=9)).sum() <= MAX_TURNED_SHARE * N
    for turns in (1, 3):
        assert scope.sideways(signatures_of(turns, N, seed=20)).mean() > 0.9
    assert scope.sideways(signatures_of(2, N, seed=20)).mean() < 0.1


def test_figures_take_the_answer_of_the_upright_film(scope):
    """Films on their side have no information here, upright ones and upside-down ones all."""
    films: Any = Films(range(N))
    right = np.where(films.fractured, 3.0, -3.0)
    outputs = TurnedOutputs(
        logits=np.stack([right, np.zeros(N), right, np.zeros(N)]),
        signatures=np.stack([signatures_of(turns, N, seed=30) for turns in range(4)]),
    )
    figures = measure_orientation(scope, outputs, films, calibration=CALIBRATION, point=POINT)
    assert figures.recognised.value > 0.9
    assert figures.turned_upright.value < 0.05
    assert figures.same_verdict_unturned.value == 0.0  # review on its side, decided upright
    assert figures.same_verdict.value > 0.8
    assert figures.opposite_verdicts.value == 0.0
    assert [estimate.value > 0.9 for estimate in figures.auroc] == [True] * 4
    assert figures.recognised.n == 2 * N


def test_opposite_verdicts_are_counted(scope):
    films: Any = Films(range(N))
    logits = np.full((4, N), -3.0)
    logits[2, : N // 4] = 3.0  # upside down a quarter of the films is called fracture
    outputs = TurnedOutputs(
        logits=logits, signatures=np.stack([signatures_of(0, N, seed=9) for _ in range(4)])
    )
    figures = measure_orientation(scope, outputs, films, calibration=CALIBRATION, point=POINT)
    assert figures.opposite_verdicts.value == pytest.approx(0.25, abs=0.01)
    assert figures.same_verdict.value == pytest.approx(0.75, abs=0.01)
