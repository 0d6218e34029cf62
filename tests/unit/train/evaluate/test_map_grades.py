"""The limit of a strong heat map, and the figures of each grade."""

import numpy as np
import pytest

from bonefx.records import MapGrade, TrustLimits
from train.evaluate.maps.map_checks import MapChecks
from train.evaluate.maps.trust_limits import (
    SMALLEST_STRONG_DROP,
    STRONG_POINTING,
    choose_strong_drop,
    choose_trust_limits,
    measure_grades,
)

FLOOR = 1.0
LIMITS = TrustLimits(peaks=(1.0, 2.0), border_share=0.5, marker_share=0.5, drop=-1.0, n=2)


def make_checks(drops, hits=True, **changes):
    """Maps that pass every check, in groups of their own; a test names only what it is about."""
    count = len(drops)
    values = {"peaks": 5.0, "border": 0.0, "markers": 0.0, "drops": drops} | changes
    return MapChecks(
        **{name: np.broadcast_to(np.asarray(own, float), count) for name, own in values.items()},
        hits=np.broadcast_to(np.asarray(hits, bool), count),
        groups=np.arange(count).astype(str),
    )


def test_strong_begins_where_maps_still_point_at_the_fracture_often_enough():
    drops = np.linspace(10, 1, 100)
    hits = np.arange(100) < 60  # from the 61st map on none points at the fracture
    strong = choose_strong_drop(make_checks(drops, hits), LIMITS, floor=FLOOR)
    chosen = drops >= strong
    assert hits[chosen].mean() >= STRONG_POINTING
    assert chosen.sum() == 66  # one more would be 60 of 67


def test_a_map_without_effect_on_the_answer_is_never_strong():
    drops = np.linspace(3, -3, 60)
    strong = choose_strong_drop(make_checks(drops), LIMITS, floor=FLOOR)
    assert SMALLEST_STRONG_DROP <= strong < SMALLEST_STRONG_DROP + 0.2


@pytest.mark.parametrize(
    "checks",
    [
        pytest.param(make_checks(np.full(19, 5.0)), id="too few maps"),
        pytest.param(make_checks(np.full(50, 5.0), hits=False), id="maps beside the fracture"),
        pytest.param(make_checks(np.full(50, 0.1)), id="no effect"),
        pytest.param(make_checks(np.full(50, 5.0), markers=0.9), id="maps that fail a check"),
        pytest.param(make_checks(np.full(50, 5.0), peaks=0.5), id="maps below the floor"),
        pytest.param(make_checks([]), id="no map"),
    ],
)
def test_no_map_is_strong_where_no_limit_can_be_chosen(checks):
    assert choose_strong_drop(checks, LIMITS, floor=FLOOR) is None


def test_grades_share_the_maps_and_only_shown_ones_point():
    checks = make_checks(
        [5.0, 5.0, 0.1, -2.0, 5.0, 5.0],
        hits=[True, False, True, True, True, True],
        markers=[0, 0, 0, 0, 0.9, 0],
        peaks=[5, 5, 5, 5, 5, 0.5],
    )
    limits = TrustLimits(
        peaks=(1.0,), border_share=0.5, marker_share=0.5, drop=-1.0, n=1, strong_drop=1.0
    )
    figures = measure_grades(checks, limits, floor=FLOOR)
    assert {grade: own.share.value for grade, own in figures.items()} == pytest.approx(
        {MapGrade.STRONG: 2 / 6, MapGrade.WEAK: 1 / 6, MapGrade.NONE: 3 / 6}
    )
    assert figures[MapGrade.STRONG].pointing.value == 0.5
    assert figures[MapGrade.WEAK].pointing.n == 1
    assert figures[MapGrade.NONE].pointing is None


def test_there_are_no_grades_and_no_limits_without_maps():
    assert measure_grades(make_checks([]), LIMITS, floor=FLOOR) == {}
    assert choose_trust_limits(make_checks([])) is None
