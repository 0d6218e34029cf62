"""A trained VGG16 -> the same network with its two large layers in few directions.

The directions are those in which the layer's outputs vary on training films, so that what is left
out is what no film uses.

Source:
    Girshick (2015), "Fast R-CNN", section 3.1; directions of the outputs instead of the weights,
    after Zhang et al. (2016), "Accelerating very deep convolutional networks", section 3.2.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

import torch
from torch import nn
from torchvision.models import VGG

from bonefx.errors import RecipeError
from bonefx.models.low_rank import LARGE_LAYERS, LowRankLinear, Ranks
from bonefx.models.networks import SplitNetwork

PART_FILMS = 256


@torch.no_grad()
def compress_network(
    network: SplitNetwork, batches: Iterable[torch.Tensor], ranks: Ranks
) -> SplitNetwork:
    """Copy a network with fc6 and fc7 reduced to the directions that films use.

    fc6 comes first, and fc7 is reduced to what it makes of the reduced fc6.

    Args:
        network: A VGG16, in evaluation mode; stays as it is.
        batches: Training films as network input, (B, 3, S, S) each.
        ranks: How many directions of fc6 and fc7 are kept.

    Raises:
        RecipeError: The network is no VGG, or there are too few films for so many directions.
    """
    result = copy.deepcopy(network)
    backbone = result.backbone
    if not isinstance(backbone, VGG):
        raise RecipeError("only a VGG's head can be compressed; leave head_ranks out of the recipe")
    inputs = torch.cat([_head_input(result, batch) for batch in batches])
    for index, rank in zip(LARGE_LAYERS, ranks, strict=True):
        if rank >= len(inputs):
            raise RecipeError(
                f"{len(inputs)} films cannot tell {rank} directions; lower head_ranks"
            )
        first = 0 if index == LARGE_LAYERS[0] else LARGE_LAYERS[0] + 1
        inputs = _through(backbone.classifier[first:index], inputs)
        backbone.classifier[index] = reduce_layer(backbone.classifier[index], inputs, rank)
        inputs = _through(backbone.classifier[index : index + 1], inputs)
    return result


@torch.no_grad()
def reduce_layer(layer: nn.Module, inputs: torch.Tensor, rank: int) -> LowRankLinear:
    """Keep what a linear layer makes of some inputs along their principal directions.

    Args:
        layer: Linear, D to C.
        inputs: (N, D), N > rank.
        rank: Directions that are kept.

    Returns:
        The layer whose outputs are those of `layer`, projected on the directions around their mean.
    """
    assert isinstance(layer, nn.Linear)
    outputs = _through([layer], inputs).double()
    mean = outputs.mean(0)
    _, directions = torch.linalg.eigh((outputs - mean).T @ (outputs - mean))
    kept = directions[:, -rank:].flip(1)  # (C, rank), the largest first
    weight, bias = layer.weight.double(), layer.bias.double()
    result = LowRankLinear(layer.in_features, rank, layer.out_features)
    result.inner.weight.copy_(kept.T @ weight)
    result.outer.weight.copy_(kept)
    result.outer.bias.copy_(mean + kept @ (kept.T @ (bias - mean)))
    return result.requires_grad_(False).eval()


def _head_input(network: SplitNetwork, batch: torch.Tensor) -> torch.Tensor:
    """What fc6 is given, (B, D); half as large in memory as float32."""
    backbone = network.backbone
    assert isinstance(backbone, VGG)
    pooled = backbone.avgpool(backbone.features(batch))
    return torch.flatten(pooled, 1).half().cpu()


def _through(layers: Iterable[nn.Module], inputs: torch.Tensor) -> torch.Tensor:
    """Run (N, D) through layers in parts; returns (N, C) float32."""
    return torch.cat(list(_parts(layers, inputs)))


def _parts(layers: Iterable[nn.Module], inputs: torch.Tensor) -> Iterator[torch.Tensor]:
    stack = list(layers)
    for part in torch.split(inputs, PART_FILMS):
        values = part.float()
        for layer in stack:
            values = layer(values)
        yield values
