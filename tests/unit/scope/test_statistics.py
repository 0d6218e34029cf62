"""Scope statistics: distances of signatures, recognised regions, and the scope file."""

import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.decomposition import PCA

from bonefx.errors import WeightsError
from bonefx.scope.rules import GREY_LEVEL_RULES
from bonefx.scope.statistics import (
    FORMER_NAMES,
    INTRUDER_NAMES,
    INVERTED_NAMES,
    NAMES,
    REGIONS,
    Scope,
    read_scope,
    scope_bytes,
)


@pytest.fixture(scope="module")
def signatures():
    random = np.random.default_rng(0)
    return (random.normal(size=(400, 12)) * np.linspace(3, 0.5, 12)).astype(np.float32)


def make_scope(signatures, **changes):
    found = PCA(n_components=4).fit(signatures)
    values = {
        "mean": found.mean_, "scale": np.ones(12), "axes": found.components_,
        "variances": found.explained_variance_,
        "noise": np.array(found.noise_variance_), "limit": np.array(2.0),
        "region_weights": np.zeros((len(REGIONS), 12)), "region_biases": np.zeros(len(REGIONS)),
        "rule_low": np.zeros(len(GREY_LEVEL_RULES)), "rule_high": np.ones(len(GREY_LEVEL_RULES)),
        "intruder_weights": np.zeros(12), "intruder_bias": np.array(-1.0),
        "inverted_weights": np.zeros(12), "inverted_bias": np.array(-1.0),
        "region_limits": np.full(len(REGIONS), 0.5),
    }  # fmt: skip
    return Scope(**{
        name: np.asarray(value, np.float32) for name, value in (values | changes).items()
    })  # fmt: skip


def test_distances_rank_pictures_like_their_likelihood(signatures):
    scope, model = make_scope(signatures), PCA(n_components=4).fit(signatures)
    others = signatures[:50] * np.linspace(0.1, 4, 50, dtype=np.float32)[:, None]
    likelihood = model.score_samples(others)
    assert (np.argsort(scope.distances(others)) == np.argsort(-likelihood)).all()
    assert scope.distances(signatures).mean() == pytest.approx(1.0, abs=0.02)


def test_a_distant_picture_and_one_without_a_finite_distance_are_out_of_scope(signatures):
    scope = make_scope(signatures)
    near, far = (float(scope.distances(scope.mean[None] + by)[0]) for by in (0, 20))
    distances = np.array([near, far, np.nan, np.inf])
    assert scope.within(distances).tolist() == [True, False, False, False]


def test_only_learned_regions_are_recognised(signatures):
    weights = np.zeros((len(REGIONS), 12))
    weights[0, 0], weights[1, 1] = 2, 2
    scope = make_scope(signatures, region_weights=weights)
    both, one, none = scope.mean + 3 * np.eye(12, dtype=np.float32)[:3]
    both[1] += 3
    one[0] -= 9
    none[:2] -= 3
    assert scope.known_regions == REGIONS[:2]
    assert scope.recognised_regions(both)[:2] == REGIONS[:2]
    assert "hand" not in scope.recognised_regions(one)
    assert "leg" in scope.recognised_regions(one)
    assert not {"hand", "leg"} & set(scope.recognised_regions(none))
    assert make_scope(signatures).recognised_regions(both) is None


def test_a_scope_is_the_same_after_writing_and_reading(signatures):
    scope = make_scope(signatures)
    again = read_scope(scope_bytes(scope), source="scope")
    assert (again.distances(signatures) == scope.distances(signatures)).all()


@pytest.mark.parametrize(
    "changes",
    [{"variances": np.zeros(4)}, {"mean": np.zeros(3)}, {"limit": np.array(np.nan)},
     {"noise": np.array(0.0)}, {"scale": np.zeros(12)},
     {"region_biases": np.zeros(3)}, {"rule_low": np.zeros(2)}, {"axes": np.zeros(4)}],
)  # fmt: skip
def test_a_scope_with_inconsistent_arrays_is_refused(signatures, changes):
    with pytest.raises(WeightsError, match="do not fit together"):
        read_scope(scope_bytes(make_scope(signatures, **changes)), source="scope.safetensors")


def test_a_file_other_than_a_scope_is_refused(signatures):
    with pytest.raises(WeightsError, match="not a safetensors file"):
        read_scope(b"nothing", source="scope.safetensors")


def test_a_region_is_named_from_its_own_limit_on(signatures):
    weights = np.zeros((len(REGIONS), 12))
    weights[:2, 0] = 2
    limits = np.where(np.arange(len(REGIONS)) == 1, 0.99, 0.5)
    scope = make_scope(signatures, region_weights=weights, region_limits=limits)
    likely = scope.mean + np.eye(12, dtype=np.float32)[0]
    assert scope.recognised_regions(likely)[:1] == REGIONS[:1]
    assert REGIONS[1] not in scope.recognised_regions(likely)
    assert REGIONS[1] in scope.recognised_regions(scope.mean + 9 * np.eye(12, dtype=np.float32)[0])


def test_a_scope_of_four_regions_names_no_other(signatures):
    """Files of version 0.1 have four regions and no limits."""
    arrays = {
        name: np.array(getattr(make_scope(signatures), name))
        for name in NAMES
        if name != "region_limits"
    }
    arrays["region_weights"] = np.ones((4, 12), np.float32)
    arrays["region_biases"] = np.ones(4, np.float32)
    scope = read_scope(save(arrays), source="scope.safetensors")
    assert scope.known_regions == ("hand", "leg", "hip", "shoulder")
    assert scope.recognised_regions(scope.mean) == ("hand", "leg", "hip", "shoulder")


@pytest.mark.parametrize(
    "absent", [INVERTED_NAMES, INTRUDER_NAMES, (*INVERTED_NAMES, *INTRUDER_NAMES)]
)
def test_a_scope_of_an_earlier_version_recognises_nothing_that_it_did_not(signatures, absent):
    scope = make_scope(signatures)
    arrays = {name: np.array(getattr(scope, name)) for name in NAMES if name not in absent}
    earlier = read_scope(save(arrays), source="scope.safetensors")
    assert not (earlier.intruder_logits(signatures * 50) > 0).any()


def test_a_scope_of_an_earlier_version_is_read_without_what_is_no_longer_used(signatures):
    scope = make_scope(signatures)
    arrays = load(scope_bytes(scope))
    former = {name: np.zeros(12, np.float32) for name in FORMER_NAMES}
    read = read_scope(save(arrays | former), source="scope.safetensors")
    np.testing.assert_array_equal(read.distances(signatures), scope.distances(signatures))
