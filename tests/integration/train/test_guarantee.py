"""The review band's certificate, the comparison of two models, and the figures of subgroups."""

import numpy as np
import pytest

from tests.fixtures.records import make_point
from train.evaluate.comparison import mcnemar
from train.evaluate.operating_points import (
    CONFIDENCE,
    MISSED_AT_MOST,
    certified_edges,
    choose_points,
)
from train.evaluate.split_figures import classification
from train.metrics import auroc, estimate_paired_difference


def draw(random, films):
    """Probabilities that mean what they say, and the labels that come with them."""
    probability = random.beta(0.4, 1.6, size=films)
    return probability, random.random(films) < probability


def share_below(edge):
    """The true share of fractures below an edge, from many films."""
    probability, fractured = draw(np.random.default_rng(99), 200_000)
    return fractured[probability < edge].mean()


def test_certified_edges_hold_as_often_as_they_promise():
    """Over 100 draws of 500 films, the highest certified edge breaks its promise rarely."""
    at_most, random = 0.05, np.random.default_rng(0)
    true_share: dict[float, float] = {}
    broken = certified = 0
    for _ in range(100):
        edges = certified_edges(*draw(random, 500), at_most=at_most)
        if edges:
            certified += 1
            share = true_share.setdefault(edges[-1], share_below(edges[-1]))
            broken += share > at_most
    assert certified > 60
    assert broken / 100 <= 1 - CONFIDENCE


def test_too_few_films_certify_nothing_and_the_band_stays_as_it_was():
    probability = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    fractured = probability > 0.5
    assert certified_edges(probability, fractured, at_most=0.05) == []
    assert [point.guarantee for point in choose_points(probability, fractured)] == [None] * 3


def test_a_points_band_carries_what_was_certified_on_these_films():
    probability, fractured = draw(np.random.default_rng(1), 3000)
    points = choose_points(probability, fractured)
    assert any(point.guarantee for point in points)
    for point in points:
        low, high = point.review_band
        assert low <= point.threshold <= high
        if point.guarantee:
            called = probability < low
            assert point.guarantee.n == called.sum()
            assert point.guarantee.missed == fractured[called].sum()
            assert point.guarantee.missed_at_most == MISSED_AT_MOST[point.name]
            assert point.guarantee.missed / point.guarantee.n < point.guarantee.missed_at_most


def test_a_band_gives_way_to_a_certified_edge_between_it_and_the_threshold():
    """Screening's band starts so low that too few films lie below it to certify anything."""
    random = np.random.default_rng(0)
    intact = np.concatenate([random.uniform(0.001, 0.018, 600), random.uniform(0.1, 0.5, 200)])
    broken = np.concatenate([random.uniform(0.001, 0.018, 3), random.uniform(0.03, 1, 97)])
    probability = np.concatenate([intact, broken])
    screening, *_ = choose_points(probability, np.arange(900) >= len(intact))
    low, _ = screening.review_band
    assert np.mean(probability < 0.02) - np.mean(probability < screening.threshold) < 0.05
    assert low == 0.02 < screening.threshold
    assert (screening.guarantee.n, screening.guarantee.missed) == (603, 3)


def test_films_that_were_trained_on_certify_nothing():
    probability, fractured = draw(np.random.default_rng(1), 3000)
    points = choose_points(probability, fractured, held_out=False)
    assert [point.guarantee for point in points] == [None] * 3


def test_thresholds_rise_though_the_classes_lie_far_apart():
    probability = np.concatenate([np.linspace(0.001, 0.02, 50), np.linspace(0.98, 0.999, 50)])
    screening, balanced, specific = choose_points(probability, probability > 0.5)
    assert screening.threshold == balanced.threshold == specific.threshold == pytest.approx(0.5)


def test_a_point_without_guarantee_is_valid():
    assert make_point().guarantee is None


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        pytest.param(0, 0, 1.0, id="no film tells them apart"),
        pytest.param(5, 5, 1.0, id="even"),
        pytest.param(4, 0, 0.125, id="the report's two networks at best"),
        pytest.param(10, 0, 2 / 1024, id="ten to none"),
    ],
)
def test_mcnemar_is_exact(only_first, only_second, p):
    assert mcnemar(only_first, only_second) == pytest.approx(p)


def test_a_difference_of_two_models_is_paired_by_film():
    random = np.random.default_rng(0)
    fractured = random.random(200) < 0.4
    good = fractured + random.normal(0, 0.8, 200)
    groups = np.arange(200).astype(str)
    same = estimate_paired_difference(auroc, fractured, (good, good), groups, draws=100)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    worse = good + random.normal(0, 2, 200)
    found = estimate_paired_difference(auroc, fractured, (good, worse), groups, draws=200)
    assert 0 < found.low < found.value < found.high
    assert found.value == pytest.approx(auroc(fractured, good) - auroc(fractured, worse))


def test_a_classification_counts_each_film_once_in_the_right_cell():
    fractured = np.array([True, True, True, False, False])
    called = np.array([True, True, False, True, False])
    found = classification(called, fractured, np.arange(5).astype(str))
    assert found.confusion == ((1, 1), (1, 2))
    assert found.accuracy.value == pytest.approx(3 / 5)
    assert found.fracture.precision == pytest.approx(2 / 3)
    assert found.fracture.recall == pytest.approx(2 / 3)
    assert found.no_fracture.recall == pytest.approx(1 / 2)
    assert found.no_fracture.support == 2
    assert found.macro.recall == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.weighted.recall == pytest.approx(3 / 5)
