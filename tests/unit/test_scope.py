"""Is it a bone film? A picture's signature against those of the training films."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from bonefx.errors import WeightsError
from bonefx.scope import Scope, read_scope, scope_bytes


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
        "region_weights": np.eye(2, 4), "region_biases": np.zeros(2),
    }  # fmt: skip
    return Scope(**{
        name: np.asarray(value, np.float32) for name, value in (values | changes).items()
    })  # fmt: skip


def test_distances_order_pictures_as_their_likelihood_does(signatures):
    scope, model = make_scope(signatures), PCA(n_components=4).fit(signatures)
    others = signatures[:50] * np.linspace(0.1, 4, 50, dtype=np.float32)[:, None]
    likelihood = model.score_samples(others)
    assert (np.argsort(scope.distances(others)) == np.argsort(-likelihood)).all()
    assert scope.distances(signatures).mean() == pytest.approx(1.0, abs=0.02)


def test_a_strange_picture_is_out_and_one_that_cannot_be_measured_too(signatures):
    scope = make_scope(signatures)
    assert scope.within(float(scope.distances(scope.mean[None])[0]))
    assert not scope.within(float(scope.distances(scope.mean[None] + 20)[0]))
    assert not scope.within(float("nan"))
    assert not scope.within(float("inf"))


def test_regions_are_told_from_the_coordinates(signatures):
    scope = make_scope(signatures)
    far = scope.mean[None] + 5 * np.sqrt(scope.variances[0]) * scope.axes[:1]
    first, second = scope.regions(far)[0]
    assert first == pytest.approx(1 / (1 + np.exp(-5)), abs=1e-3)
    assert second == pytest.approx(0.5, abs=1e-3)


def test_a_scope_survives_its_file(signatures):
    scope = make_scope(signatures)
    again = read_scope(scope_bytes(scope), source="scope")
    assert (again.distances(signatures) == scope.distances(signatures)).all()


@pytest.mark.parametrize(
    "changes",
    [{"variances": np.zeros(4)}, {"mean": np.zeros(3)}, {"limit": np.array(np.nan)},
     {"noise": np.array(0.0)}, {"scale": np.zeros(12)},
     {"region_biases": np.zeros(3)}, {"axes": np.zeros(4)}],
)  # fmt: skip
def test_a_scope_that_does_not_fit_together_is_refused(signatures, changes):
    with pytest.raises(WeightsError, match="does not fit together"):
        read_scope(scope_bytes(make_scope(signatures, **changes)), source="scope.safetensors")


def test_a_file_that_is_no_scope_is_refused(signatures):
    with pytest.raises(WeightsError, match="no safetensors file"):
        read_scope(b"nothing", source="scope.safetensors")
