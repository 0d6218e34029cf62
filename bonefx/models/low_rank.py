"""VGG16's two large layers, each stored as two small ones of a given rank.

Nine tenths of VGG16 are two matrices that a film's answer uses in few directions. `train.compress`
finds these directions; here is the shape of what it makes.

Source:
    Girshick (2015), "Fast R-CNN", section 3.1, truncated SVD of fc6 and fc7.
"""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import VGG

LARGE_LAYERS = (0, 3)  # of VGG16's classifier: fc6 and fc7
Ranks = tuple[int, int]  # of fc6 and fc7


class LowRankLinear(nn.Module):
    """A linear layer of limited rank: first to few numbers, then from them to all outputs."""

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
        """Multiply the two out: one layer that answers alike, of the full size."""
        result = nn.Linear(self.inner.in_features, self.outer.out_features)
        result.weight.copy_(self.outer.weight @ self.inner.weight)
        result.bias.copy_(self.outer.bias)
        return result


def merge_low_rank(backbone: nn.Module) -> None:
    """Replace layers of low rank by whole ones that answer alike, in place."""
    if not isinstance(backbone, VGG):
        return
    for index in LARGE_LAYERS:
        layer = backbone.classifier[index]
        if isinstance(layer, LowRankLinear):
            backbone.classifier[index] = layer.whole()


def replace_by_low_rank(backbone: VGG, ranks: Ranks) -> None:
    """Replace fc6 and fc7 by untrained layers of low rank.

    Args:
        backbone: Changed in place.
        ranks: Of fc6 and fc7.
    """
    for index, rank in zip(LARGE_LAYERS, ranks, strict=True):
        whole = backbone.classifier[index]
        assert isinstance(whole, nn.Linear)
        backbone.classifier[index] = LowRankLinear(whole.in_features, rank, whole.out_features)
