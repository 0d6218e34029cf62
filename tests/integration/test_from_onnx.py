"""Conversion of Keras' VGG16 to torchvision's names and input."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import vgg16

from bonefx.errors import RecipeError
from train.fit.from_onnx import (
    KERAS_MEAN_BGR,
    TORCHVISION_MEAN_RGB,
    TORCHVISION_STD_RGB,
    convert_features,
)


@pytest.fixture(scope="module")
def layers():
    """A seeded VGG16 in Keras' form: the first kernel expects blue, green, red in grey levels."""
    torch.manual_seed(0)
    convolutions = [layer for layer in vgg16().features if isinstance(layer, nn.Conv2d)]
    return [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in convolutions]


def test_converted_convolutions_give_the_same_features(layers):
    film = torch.rand(1, 3, 32, 32)  # red, green, blue in [0, 1]
    shape = (1, 3, 1, 1)
    keras = 255 * film.flip(1) - torch.tensor(KERAS_MEAN_BGR).reshape(shape)
    ours = (film - torch.tensor(TORCHVISION_MEAN_RGB).reshape(shape)) / torch.tensor(
        TORCHVISION_STD_RGB
    ).reshape(shape)
    kernel, bias = (torch.from_numpy(part) for part in layers[0])
    network = vgg16()
    network.load_state_dict(convert_features(layers), strict=False)
    expected = nn.functional.conv2d(
        keras, kernel, bias
    )  # without padding, since zero has another meaning
    first = network.features[0]
    found = nn.functional.conv2d(ours, first.weight, first.bias)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-2)
    assert torch.equal(network.features[28].weight, torch.from_numpy(layers[-1][0]))


def test_exactly_the_features_are_converted(layers):
    wanted = {name for name in vgg16().state_dict() if name.startswith("features.")}
    assert set(convert_features(layers)) == wanted


def test_another_network_is_refused(layers):
    with pytest.raises(RecipeError, match="not VGG16's 13 convolutions"):
        convert_features(
            [*layers[:-1], (np.zeros((2, 512, 3, 3), np.float32), np.zeros(2, np.float32))]
        )
