"""A head of few directions answers as the whole one does."""

import pytest
import torch
from torch import nn
from torchvision.models import VGG

from bonefx.errors import RecipeError
from bonefx.heatmaps.forward import logits_and_maps
from bonefx.models.low_rank import LowRankLinear
from bonefx.models.networks import CutNetwork
from tests.fixtures.model_folders import make_network
from train.evaluate.compression import compress_network, reduce_layer


@pytest.fixture(scope="module")
def network():
    """A VGG with a small head, cut where VGG16 is cut; what is bright speaks for a fracture."""
    torch.manual_seed(0)
    features = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(4),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    )  # fmt: skip
    with torch.device("meta"):  # the large layers are replaced
        backbone = VGG(features)
    backbone.classifier[0] = nn.Linear(16 * 49, 96)
    backbone.classifier[3] = nn.Linear(96, 96)
    backbone.classifier[6] = nn.Linear(96, 2)
    cut = (
        CutNetwork(backbone, cut=5, linear_head=False, signature_layers=(4,))
        .requires_grad_(False)
        .eval()
    )
    for index in (0, 3, 6):
        backbone.classifier[index].weight.normal_(0.02, 0.05)
    backbone.classifier[6].weight[0] *= -1
    backbone.classifier[6].bias[1] -= cut(films(32))[0].mean()
    return cut


def films(count, seed=0):
    """Films that differ in few ways, as radiographs do."""
    random = torch.Generator().manual_seed(seed)
    basis = torch.rand(6, 3 * 64 * 64, generator=torch.Generator().manual_seed(99))
    return (torch.rand(count, 6, generator=random) @ basis).reshape(count, 3, 64, 64) / 3


def difference(network, ranks):
    """Largest difference of a probability on films that were not shown."""
    small, unseen = compress_network(network, films(128).split(32), ranks), films(32, seed=1)
    logits = [own(unseen)[0].sigmoid() for own in (network, small)]
    return float((logits[0] - logits[1]).abs().max())


def test_few_directions_keep_the_probability(network):
    assert difference(network, (24, 24)) < 0.002


def test_more_directions_keep_more(network):
    assert difference(network, (1, 1)) > 2 * difference(network, (32, 32))


def test_few_directions_keep_the_map(network):
    small, unseen = compress_network(network, films(128).split(32), (24, 24)), films(32, seed=1)
    whole, few = (logits_and_maps(own, unseen)[1] for own in (network, small))
    assert whole.max() > 1
    assert (whole - few).abs().mean() < 0.01 * whole.mean()


def test_the_network_that_was_trained_stays_as_it_is(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    compress_network(network, films(64).split(32), (4, 4))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_layer_of_low_rank_is_found_again():
    torch.manual_seed(0)
    layer = nn.Linear(40, 30).requires_grad_(False)
    layer.weight.copy_(torch.randn(30, 3) @ torch.randn(3, 40))
    inputs = torch.randn(200, 40)
    found = reduce_layer(layer, inputs, 3)
    assert isinstance(found, LowRankLinear)
    assert found.inner.weight.shape == (3, 40)
    assert torch.allclose(found(inputs), layer(inputs), rtol=1e-3, atol=1e-3)


def test_a_layer_of_low_rank_is_multiplied_out_to_train_on():
    few = LowRankLinear(40, 3, 30)
    whole = few.whole()
    inputs = torch.randn(7, 40, generator=torch.Generator().manual_seed(0))
    assert whole.weight.shape == (30, 40)
    assert torch.allclose(whole(inputs), few(inputs), atol=1e-5)


def test_too_few_films_are_refused(network):
    with pytest.raises(RecipeError, match="lower head_ranks"):
        compress_network(network, [films(8)], (8, 4))


def test_a_network_without_such_a_head_is_refused():
    with pytest.raises(RecipeError, match="only a VGG"):
        compress_network(make_network("efficientnet_b0"), [films(4)], (2, 2))
