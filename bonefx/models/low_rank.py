"""Low-rank versions of fc6 and fc7, the two large layers of VGG16.

They hold nine tenths of the weights, and the logit of a film depends on few directions of them.
train/evaluate/compression.py computes these directions; this module defines the layers.

Source:
    Girshick (2015), "Fast R-CNN", section 3.1, truncated SVD of fc6 and fc7.
"""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import VGG

LARGE_LAYERS = (0, 3)  # fc6 and fc7 in the classifier of VGG16
Ranks = tuple[int, int]  # of fc6 and fc7


class LowRankLinear(nn.Module):
    """A linear layer of limited rank: a product of two smaller layers."""

    def __init__(self, inputs: int, rank: int, outputs: int) -> None:
        super().__init__()
        self.inner = nn.Linear(inputs, rank, bias=False)
        self.outer = nn.Linear(rank, outputs)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map (N, inputs) to (N, outputs)."""
        result: torch.Tensor = self.outer(self.inner(values))
        return result

    @torch.no_grad()
    def whole(self) -> nn.Linear:
        """Multiply the two layers; return one full layer with the same output."""
        result = nn.Linear(self.inner.in_features, self.outer.out_features)
        result.weight.copy_(self.outer.weight @ self.inner.weight)
        result.bias.copy_(self.outer.bias)
        return result


def merge_low_rank(backbone: nn.Module) -> None:
    """Replace low-rank layers by full layers with the same output, in place."""
    if not isinstance(backbone, VGG):
        return
    for index in LARGE_LAYERS:
        layer = backbone.classifier[index]
        if isinstance(layer, LowRankLinear):
            backbone.classifier[index] = layer.whole()


def replace_by_low_rank(backbone: VGG, ranks: Ranks) -> None:
    """Replace fc6 and fc7 by untrained low-rank layers.

    Args:
        backbone: Network that is changed in place.
        ranks: Ranks of fc6 and fc7, > 0.
    """
    for index, rank in zip(LARGE_LAYERS, ranks, strict=True):
        whole = backbone.classifier[index]
        assert isinstance(whole, nn.Linear)
        backbone.classifier[index] = LowRankLinear(whole.in_features, rank, whole.out_features)
