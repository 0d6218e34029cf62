"""What training minimises: the film's label, where its evidence lies, and what a teacher says."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from bonefx.errors import RecipeError
from bonefx.models.networks import CellGrid, SplitNetwork
from bonefx.models.preprocess import normalise
from bonefx.models.registry import LoadedModel
from train.data.augment import Sample
from train.fit.distillation import Distiller, count_activation_channels
from train.recipe import Recipe

INITIAL_SHARPNESS = 0.25  # what a Grad-CAM map is multiplied by to be log-odds; trained
HARD_NEGATIVE_SHARE = 1 / 32  # of the cells, to learn from where there is no fracture


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


class TrainingLosses(NamedTuple):
    """What a batch measures: mean losses, and the share of films that are called right.

    The losses of places and of the teacher come with the recipe's multipliers.
    """

    image: torch.Tensor
    evidence: torch.Tensor
    distilled: torch.Tensor
    accuracy: torch.Tensor


class Objective(nn.Module):
    """A network with its losses, so that one forward pass of one module gives them all.

    Three losses: of the film's label, of the places, and of the distance to a teacher, if any.

    The image loss is the cross-entropy of the network's two softmax outputs, written as the binary
    cross-entropy of their difference, the log-odds of fracture: the two are the same number.

    Where the head is not linear, no cell has a rating of its own to be supervised. A linear probe
    then rates the cells of the stage that the heat map weighs, so that this stage learns to tell
    fractures apart; and Grad-CAM itself is held to the boxes, so that the head takes its reasons
    there. Probe and sharpness are left behind when the network is exported.

    Source:
        Alain and Bengio (2017), "Understanding intermediate layers using linear classifier probes",
        trained here together with the layers before it, as Lee et al. (2015), "Deeply-supervised
        nets"; Li et al. (2018), "Tell me where to look: guided attention inference network", for a
        loss on Grad-CAM.
    """

    def __init__(
        self, network: SplitNetwork, recipe: Recipe, teacher: LoadedModel | None = None
    ) -> None:
        """Join a network with its losses.

        Args:
            network: With its initial weights.
            recipe: Says which losses there are.
            teacher: That the recipe names, if it names one.

        Raises:
            RecipeError: Grad-CAM shall be supervised of a head that rates its cells itself.
        """
        super().__init__()
        self.network = network
        self._recipe = recipe
        self._grid = network.grid()
        self._spec = recipe.spec(recipe.size_px)
        self.probe, self.sharpness, self.distiller = None, None, None
        if recipe.evidence.weight and not network.linear_head:
            self.probe = nn.Conv2d(count_activation_channels(network), 1, kernel_size=1)
        if recipe.evidence.grad_cam:
            if network.linear_head:
                raise RecipeError("this head rates its cells itself; use weight, not grad_cam")
            self.sharpness = nn.Parameter(torch.tensor(INITIAL_SHARPNESS).log())
        if teacher is not None and recipe.distillation is not None:
            self.distiller = Distiller(
                teacher, recipe.distillation, channels=count_activation_channels(network)
            )

    def train(self, mode: bool = True) -> Objective:
        """Switch to training; frozen layers stay in evaluation, with their statistics."""
        super().train(mode)
        self.network.frozen_part(self._recipe.frozen_layers).eval()
        return self

    def forward(self, sample: Sample) -> TrainingLosses:
        """Measure a batch; all are scalars."""
        batch = normalise(sample.square, self._spec).contiguous(memory_format=torch.channels_last)
        activations = self.network.activations(batch)
        if self.sharpness is not None and not activations.requires_grad:
            activations.requires_grad_(True)  # all before it is frozen, and the head still learns
        logits = self.network.logit(activations)
        smoothing = self._recipe.label_smoothing
        target = sample.fractured * (1 - smoothing) + smoothing / 2
        image_loss = functional.binary_cross_entropy_with_logits(logits, target)
        accuracy = ((logits.detach() > 0) == (sample.fractured > 0.5)).float().mean()
        return TrainingLosses(
            image=image_loss,
            evidence=self._evidence_loss(logits, activations, sample),
            distilled=self._distilled_loss(sample, logits, activations),
            accuracy=accuracy,
        )

    def _distilled_loss(
        self, sample: Sample, logits: torch.Tensor, activations: torch.Tensor
    ) -> torch.Tensor:
        if self.distiller is None:
            return logits.new_zeros(())
        loss: torch.Tensor = self.distiller(sample, logits, activations)
        return loss

    def _evidence_loss(
        self, logits: torch.Tensor, activations: torch.Tensor, sample: Sample
    ) -> torch.Tensor:
        """Sum the losses of all that rates cells, each times its weight."""
        settings = self._recipe.evidence
        loss = activations.new_zeros(())
        if settings.weight:
            loss = loss + settings.weight * self._place_loss(self._rated(activations), sample)
        if self.sharpness is not None:
            cells = grad_cam_cells(logits, activations) * self.sharpness.exp()
            loss = loss + settings.grad_cam * self._place_loss(cells, sample)
        return loss

    def _place_loss(self, cells: torch.Tensor, sample: Sample) -> torch.Tensor:
        """Hold (N, h, w) against the boxes of those films whose boxes are complete."""
        targets = cell_targets(sample.mask, self._grid, (cells.shape[1], cells.shape[2]))
        losses = cell_losses(cells.float(), targets)
        return (losses * sample.annotated).sum() / sample.annotated.sum().clamp(min=1)

    def _rated(self, activations: torch.Tensor) -> torch.Tensor:
        if self.probe is None:
            return self.network.evidence(activations)
        rated: torch.Tensor = self.probe(activations)
        return rated[:, 0]


def grad_cam_cells(logits: torch.Tensor, activations: torch.Tensor) -> torch.Tensor:
    """Grad-CAM before its ReLU, so that it can be trained: its own gradient is kept.

    Args:
        logits: (N,), made from the activations.
        activations: (N, C, h, w).

    Returns:
        (N, h, w) float32, times the number of cells, as cam.cam gives it.

    Source:
        Selvaraju et al. (2017), "Grad-CAM", eq. 1 and 2.
    """
    (gradients,) = torch.autograd.grad(logits.sum(), activations, create_graph=True)
    weights = gradients.float().sum((2, 3), keepdim=True)
    return (weights * activations.float()).sum(1)


def cell_losses(cells: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Ask each cell whether it looks at a fracture: all that do, and the most mistaken others.

    Most cells of most films are easy, and would drown the rest. Neighbours of a marked cell are
    not asked: a box is drawn by hand, and larger than its fracture.

    Args:
        cells: Log-odds, (N, h, w).
        targets: 1 where a cell looks at a fracture, (N, h, w).

    Returns:
        (N,): mean over the marked cells plus mean over the most mistaken share of the others.

    Source:
        Liu et al. (2016), "SSD: single shot multibox detector", section 2.2, hard negative mining.
    """
    losses = functional.binary_cross_entropy_with_logits(cells, targets, reduction="none")
    marked = (losses * targets).sum((1, 2)) / targets.sum((1, 2)).clamp(min=1)
    near = functional.max_pool2d(targets[:, None], 3, stride=1, padding=1)[:, 0]
    others = (losses * (1 - near)).flatten(1)
    mistaken = others.topk(max(1, round(HARD_NEGATIVE_SHARE * others.shape[1])), dim=1).values.mean(
        1
    )
    return marked + mistaken
