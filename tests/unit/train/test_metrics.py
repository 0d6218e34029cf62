"""Metrics, intervals, calibration and operating points."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from bonefx.errors import RecipeError
from train import metrics
from train.evaluate.operating_points import (
    WRONGLY_CALLED_AT_MOST,
    calibrated_probabilities,
    choose_heat_floor,
    choose_points,
    fit_calibration,
)
from train.evaluate.split_figures import point_on


def make_logits(n=400, *, separation=2.0, seed=0):
    """Logits with partial separation, and labels with one fifth fractured."""
    random = np.random.default_rng(seed)
    fractured = np.arange(n) % 5 == 0
    return random.normal(np.where(fractured, separation, 0.0) - 1.0), fractured


def test_auroc_is_that_of_scikit_learn_even_for_large_logits():
    logits, fractured = make_logits()
    expected = roc_auc_score(fractured, logits)
    assert metrics.auroc(fractured, logits) == pytest.approx(expected)
    assert metrics.auroc(fractured, logits * 1000) == pytest.approx(expected)


def test_brier_score_is_that_of_scikit_learn():
    logits, fractured = make_logits()
    probability = 1 / (1 + np.exp(-logits))
    expected = brier_score_loss(fractured, probability)
    assert metrics.brier_score(fractured, probability) == pytest.approx(expected)


def test_a_calibrated_probability_has_no_calibration_error():
    probability = np.repeat([0.25, 0.75], 400)
    fractured = np.concatenate([np.arange(400) % 4 == 0, np.arange(400) % 4 != 0])
    assert metrics.calibration_error(fractured, probability) == pytest.approx(0.0, abs=1e-6)
    assert metrics.calibration_error(~fractured, probability) == pytest.approx(0.5, abs=1e-6)


def test_sensitivity_at_90_percent_specificity_is_read_off_the_curve():
    fractured = np.array([False] * 10 + [True] * 4)
    values = np.array([*range(10), 8.5, 9.5, 3.5, 10.0])  # one intact film lies above 8.5
    assert metrics.sensitivity_at_specificity(fractured, values) == pytest.approx(0.75)


def test_a_proportion_has_at_least_wilsons_interval_and_none_without_films():
    hits, alone = np.arange(10) < 8, np.arange(10).astype(str)
    share = metrics.estimate_proportion(hits, alone)
    assert share.low == pytest.approx(0.490, abs=1e-3)  # Wilson (1927)
    assert (share.value, share.n) == (0.8, 10)
    assert metrics.estimate_proportion(np.zeros(10, bool), alone).low == 0
    assert metrics.estimate_proportion(hits[:0], alone[:0]) is None


def test_a_proportion_is_less_certain_if_films_of_a_patient_agree():
    hits, alone = np.arange(100) < 80, np.arange(100).astype(str)
    blocks = (np.arange(100) // 20).astype(str)
    narrow, wide = (
        metrics.estimate_proportion(hits, alone),
        metrics.estimate_proportion(hits, blocks),
    )
    assert wide.low < narrow.low - 0.1


def test_films_of_one_patient_count_together():
    logits, fractured = make_logits()
    alone = np.arange(len(logits)).astype(str)
    blocks = (np.arange(len(logits)) // 5 % 4).astype(str)
    narrow = metrics.estimate_with_interval(metrics.auroc, fractured, logits, alone, draws=200)
    doubled = metrics.estimate_with_interval(
        metrics.auroc, np.tile(fractured, 4), np.tile(logits, 4), np.tile(alone, 4), draws=200
    )
    assert narrow.low < narrow.value < narrow.high
    # four copies of each film add nothing when they count as one patient
    assert doubled.high - doubled.low == pytest.approx(narrow.high - narrow.low, rel=0.3)
    assert (
        metrics.estimate_with_interval(metrics.auroc, fractured, logits, blocks, draws=50).n == 400
    )


def test_platt_scaling_corrects_overconfident_logits():
    logits, fractured = make_logits(n=4000)
    calibration = fit_calibration(logits * 5, fractured, split="val")
    before = metrics.calibration_error(fractured, 1 / (1 + np.exp(-5 * logits)))
    after = metrics.calibration_error(fractured, calibrated_probabilities(logits * 5, calibration))
    assert after < before / 3
    assert (calibration.split, calibration.n) == ("val", 4000)


def test_a_model_that_is_worse_than_chance_is_not_calibrated():
    logits, fractured = make_logits()
    with pytest.raises(RecipeError, match="train longer"):
        fit_calibration(-logits, fractured, split="val")


@pytest.fixture
def chosen():
    logits, fractured = make_logits(n=1000)
    probability = calibrated_probabilities(logits, fit_calibration(logits, fractured, split="val"))
    groups = np.arange(len(logits)).astype(str)
    return probability, fractured, choose_points(probability, fractured), groups


def test_each_operating_point_meets_its_target_on_its_validation_films(chosen):
    probability, fractured, points, groups = chosen
    screening, balanced, specific = (
        point_on(probability, fractured, point, groups=groups) for point in points
    )
    assert [point.name for point in points] == ["screening", "balanced", "specific"]
    assert screening.sensitivity.value >= 0.95
    assert specific.specificity.value >= 0.98
    youden = [point.sensitivity.value + point.specificity.value
              for point in (screening, balanced, specific)]  # fmt: skip
    assert youden[1] == max(youden)


def test_few_films_without_fracture_are_called_fracture_at_the_balanced_and_specific_points(chosen):
    probability, fractured, points, groups = chosen
    for point in points[1:]:
        most = WRONGLY_CALLED_AT_MOST[point.name]
        called = point_on(probability, fractured, point, groups=groups).verdicts.intact_called
        assert called.value <= most or point.review_band[1] == point.threshold
        at_edge = probability[~fractured] >= point.review_band[1]
        assert at_edge.mean() > most or point.review_band[1] == point.threshold


def test_a_threshold_above_all_films_has_a_band():
    probability = np.linspace(0.05, 0.5, 10)
    for point in choose_points(probability, probability < 0.2):  # worse than chance
        assert point.review_band[0] <= point.threshold <= point.review_band[1]


def test_films_around_the_screening_threshold_go_to_review(chosen):
    probability, fractured, points, groups = chosen
    rate = point_on(probability, fractured, points[0], groups=groups).review_rate.value
    assert rate == pytest.approx(0.1, abs=0.02) or (points[0].guarantee and 0.1 < rate < 0.2)


def test_the_missed_rate_counts_fractures_among_films_called_no_fracture(chosen):
    probability, fractured, points, groups = chosen
    point = points[2]
    called_intact = probability < point.review_band[0]
    measured = point_on(probability, fractured, point, groups=groups).missed_rate
    assert measured.n == called_intact.sum()
    assert measured.value == pytest.approx(fractured[called_intact].mean())


def test_the_heat_floor_accepts_most_maps_of_true_positives():
    peaks = np.linspace(1, 2, 101)
    called = np.ones(101)
    floor = choose_heat_floor(peaks, called, np.ones(101, bool), 0.5)
    assert floor == pytest.approx(1.05)
    assert choose_heat_floor(peaks, np.zeros(101), np.ones(101, bool), 0.5) == 0.0
