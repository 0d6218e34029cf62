"""Calibration and verdict arithmetic."""

import math

import pytest

from bonefx.models.decision import calibrated_probability, decide, predictive_values, review_reason
from bonefx.records import Calibration, Verdict
from bonefx.report.wording.reasons import reason_text
from tests.fixtures.records import make_point


def make_calibration(slope=1.0, intercept=0.0):
    return Calibration(method="platt", slope=slope, intercept=intercept, n=10, split="val")


def test_platt_scaling_is_the_sigmoid_of_the_scaled_logit():
    probability = calibrated_probability(2.0, make_calibration(slope=0.5, intercept=-0.3))
    assert probability == pytest.approx(1 / (1 + math.exp(-0.7)))


@pytest.mark.parametrize("logit", [-1e6, 1e6])
def test_extreme_logits_stay_probabilities(logit):
    assert calibrated_probability(logit, make_calibration()) in (0.0, 1.0)


@pytest.mark.parametrize("logit", [math.nan, math.inf, -math.inf])
def test_a_logit_that_is_not_finite_is_refused(logit):
    with pytest.raises(ValueError, match="finite"):
        calibrated_probability(logit, make_calibration())


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        pytest.param(0.399, Verdict.NO_FRACTURE, id="just below the band"),
        pytest.param(0.400, Verdict.REVIEW, id="low edge is review"),
        pytest.param(0.600, Verdict.REVIEW, id="high edge is review"),
        pytest.param(0.601, Verdict.FRACTURE, id="just above the band"),
    ],
)
def test_band_edges_go_to_review(probability, expected):
    assert decide(probability, make_point()) is expected


@pytest.mark.parametrize("probability", [-0.01, 1.01, math.nan])
def test_what_is_no_probability_gets_no_verdict(probability):
    with pytest.raises(ValueError, match="probability"):
        decide(probability, make_point())


def test_only_a_film_in_the_band_has_a_review_reason():
    assert review_reason(0.9, make_point()) is None
    reason = review_reason(0.5, make_point())
    assert (reason.value, reason.limit) == (0.5, (0.4, 0.6))
    assert "0.50" in reason_text(reason)
    assert "balanced" in reason_text(reason)


def test_a_review_reason_rounds_nothing_to_certainty():
    point = make_point(threshold=0.09, review_band=(0.0007, 0.9996))
    reason = reason_text(review_reason(0.998, point))
    assert "Probability >0.99 lies" in reason
    assert "<0.01 to >0.99: the model does not decide" in reason


def test_predictive_values_follow_from_bayes():
    positive, negative = predictive_values(0.9, 0.8, prevalence=0.1)
    assert positive == pytest.approx(0.09 / (0.09 + 0.18))
    assert negative == pytest.approx(0.72 / (0.72 + 0.01))


def test_a_call_that_is_never_made_is_never_right():
    assert predictive_values(0.0, 1.0, prevalence=0.2) == (0.0, pytest.approx(0.8))
    assert predictive_values(1.0, 0.0, prevalence=0.2) == (pytest.approx(0.2), 0.0)
