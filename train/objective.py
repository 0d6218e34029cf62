"""What training minimises: the film's label, and where the evidence for it lies."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from bonefx.architectures import CellGrid, SplitNetwork
from bonefx.preprocess import normalise
from train.augment import Sample
from train.recipe import Recipe

START_BIAS = -2.0  # most cells hold no fracture


def cell_targets(masks: torch.Tensor, grid: CellGrid, shape: tuple[int, int]) -> torch.Tensor:
    """Mark the cells that look at an annotated fracture.

    Args:
        masks: (N, S, S), 1 inside a fracture.
        grid: Where the cells look.
        shape: Cells as rows and columns.

    Returns:
        (N, h, w) float32: 1 where a fracture touches the stride-wide square around the cell's
        middle.
    """
    stride = grid.stride_px
    lead = round((stride - 1) / 2 - grid.offset_px)  # pixels of the first square before the film
    rows, columns = shape
    padded = functional.pad(
        masks[:, None].float(),
        (
            lead,
            max(0, columns * stride - lead - masks.shape[-1]),
            lead,
            max(0, rows * stride - lead - masks.shape[-2]),
        ),
    )
    return functional.max_pool2d(padded, stride)[:, 0, :rows, :columns]


class Losses(NamedTuple):
    """What a batch measures: two mean losses, and the share of films that are called right."""

    image: torch.Tensor
    evidence: torch.Tensor
    accuracy: torch.Tensor


class Objective(nn.Module):
    """A network with its losses, so that one forward pass of one module gives them all.

    The image loss is the cross-entropy of the network's two softmax outputs, written as the binary
    cross-entropy of their difference, the log-odds of fracture: the two are the same number.
    """

    def __init__(self, network: SplitNetwork, recipe: Recipe) -> None:
        super().__init__()
        self.network = network
        if recipe.evidence.weight:
            self.evidence_scale = nn.Parameter(torch.ones(()))
            self.evidence_bias = nn.Parameter(torch.full((), START_BIAS))
        self._recipe = recipe
        self._grid = network.grid()
        self._spec = recipe.spec(recipe.size_px)

    def train(self, mode: bool = True) -> Objective:
        """Switch to training; frozen layers stay in evaluation, with their statistics."""
        super().train(mode)
        self.network.frozen_part(self._recipe.frozen_layers).eval()
        return self

    def forward(self, sample: Sample) -> Losses:
        """Measure a batch; all three are scalars."""
        batch = normalise(sample.square, self._spec).contiguous(memory_format=torch.channels_last)
        logits, activations = self.network(batch)
        smoothing = self._recipe.label_smoothing
        target = sample.fractured * (1 - smoothing) + smoothing / 2
        image_loss = functional.binary_cross_entropy_with_logits(logits, target)
        accuracy = ((logits.detach() > 0) == (sample.fractured > 0.5)).float().mean()
        if not self._recipe.evidence.weight:
            return Losses(image_loss, image_loss.new_zeros(()), accuracy)
        return Losses(image_loss, self._evidence_loss(activations, sample), accuracy)

    def _evidence_loss(self, activations: torch.Tensor, sample: Sample) -> torch.Tensor:
        evidence = self.network.evidence(activations).float()  # (N, h, w)
        cells = self.evidence_scale * evidence + self.evidence_bias
        rows, columns = evidence.shape[1:]
        losses = functional.binary_cross_entropy_with_logits(
            cells,
            cell_targets(sample.mask, self._grid, (rows, columns)),
            pos_weight=cells.new_tensor(self._recipe.evidence.positive_weight),
            reduction="none",
        ).mean((1, 2))
        return (losses * sample.annotated).sum() / sample.annotated.sum().clamp(min=1)
