"""Refusal of pictures that resemble other pictures than films, or films with dark bone."""

import numpy as np
import pytest

from bonefx.records import ReasonCode
from bonefx.report.wording.reasons import reason_text
from bonefx.scope.gate import check_scope
from tests.fixtures.records import make_radiograph
from tests.fixtures.scopes import SIGNATURE_LENGTH, make_scope


def signature(value):
    made = np.zeros((1, SIGNATURE_LENGTH), np.float32)
    made[0, 3] = value
    return made


@pytest.fixture
def scope():
    """Return a scope that takes a picture for an intruder where element 3 is above 2."""
    weights = np.zeros(SIGNATURE_LENGTH)
    weights[3] = 1.0
    return make_scope(intruder_weights=weights, intruder_bias=np.array(-2.0))


def checked(scope, value):
    (result,) = check_scope(
        scope, [make_radiograph()], signature(value),
        signatures_of=lambda films: np.repeat(signature(value), len(films), axis=0),
    )  # fmt: skip
    return result


def test_a_picture_that_resembles_others_is_refused_with_its_log_odds(scope):
    refusal = checked(scope, 2.5).refusal
    assert refusal.code is ReasonCode.RESEMBLES_OTHER_PICTURES
    assert (refusal.value, refusal.limit) == (pytest.approx(0.5), 0.0)
    assert refusal.can_be_overridden
    assert "dental films" in reason_text(refusal)
    assert checked(scope, 1.5).refusal is None


def test_the_distance_is_named_before_the_likeness(scope):
    near = make_scope(
        intruder_weights=scope.intruder_weights,
        intruder_bias=scope.intruder_bias,
        limit=np.array(0.0),
    )
    assert checked(near, 2.5).refusal.code is ReasonCode.UNLIKE_TRAINING_FILMS


def test_a_film_that_resembles_inverted_ones_is_offered_inverted():
    weights = np.zeros(SIGNATURE_LENGTH)
    weights[3] = 1.0
    scope = make_scope(inverted_weights=weights, inverted_bias=np.array(-2.0))

    def check(swapped):
        (result,) = check_scope(
            scope, [make_radiograph()], signature(2.5),
            signatures_of=lambda films: np.repeat(signature(swapped), len(films), axis=0),
        )  # fmt: skip
        return result

    offered = check(0.0)
    assert offered.looks_inverted
    assert offered.refusal.code is ReasonCode.LOOKS_INVERTED
    refused = check(2.5)
    assert not refused.looks_inverted
    assert refused.refusal.code is ReasonCode.RESEMBLES_INVERTED_FILMS
    assert refused.refusal.value == pytest.approx(0.5)
    assert "out of scope with black and white swapped, too" in reason_text(refused.refusal)
