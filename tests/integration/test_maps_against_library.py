"""Heat maps of all architectures and methods equal those of pytorch-grad-cam."""

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.image import scale_cam_image

from bonefx.heatmaps.forward import logits_and_maps
from bonefx.heatmaps.methods import HEATMAP_METHODS
from bonefx.models.architectures import ARCHITECTURES
from tests.fixtures.model_folders import make_network


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    return make_network(name)


def log_odds(outputs):
    """The library's target: what SplitNetwork.logit returns."""
    return outputs[1] - outputs[0]


@pytest.mark.parametrize("method", HEATMAP_METHODS)
def test_maps_equal_those_of_the_library(name, network, method):
    batch = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    layer = network.backbone.get_submodule(ARCHITECTURES[name].cam_layer)
    with getattr(pytorch_grad_cam, HEATMAP_METHODS[method])(network.backbone, [layer]) as library:
        theirs = library(batch.clone().requires_grad_(True), targets=[log_odds, log_odds])
    _, maps = logits_and_maps(network, batch, method=method)
    assert (maps.amax((1, 2)) > 0).all()
    once = scale_cam_image(maps.numpy(), (96, 96))  # the library scales each layer, then their mean
    assert np.abs(scale_cam_image(once) - theirs).max() < 1e-4
    assert np.ptp(theirs) > 0.5
