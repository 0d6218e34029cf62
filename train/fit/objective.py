"""Training losses: classification, localisation and distillation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from bonefx.errors import DivergedTrainingError, RecipeError
from bonefx.models.cell_grid import CellGrid
from bonefx.models.networks import SplitNetwork
from bonefx.models.preprocess import normalise
from bonefx.models.registry import LoadedModel
from train.data.augment import Sample
from train.fit.distillation import Distiller, count_activation_channels
from train.recipe import Recipe

INITIAL_SHARPNESS = 0.25  # multiplier from a Grad-CAM map to log-odds; trained
HARD_NEGATIVE_SHARE = 1 / 32  # share of the cells, for hard negative mining
MAX_NAMED_FILMS = 10  # validation films in a message


def cell_targets(masks: torch.Tensor, grid: CellGrid, shape: tuple[int, int]) -> torch.Tensor:
    """Compute which cells cover an annotated fracture.

    Args:
        masks: (N, S, S), 1 inside a fracture.
        grid: Stride and offset of the cells.
        shape: Rows and columns of the grid.

    Returns:
        (N, h, w) float32: 1 where a fracture overlaps the square of one stride around the cell's
        centre.
    """
    stride = grid.stride_px
    lead = round((stride - 1) / 2 - grid.offset_px)  # pixels of the first square outside the film
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
    """Mean losses and accuracy of a batch, each a scalar tensor.

    The localisation and distillation losses include the recipe's multipliers.

    Attributes:
        image: Classification loss of the films whose labels are trained on.
        evidence: Localisation loss; see train.recipe_sections.EvidenceLoss.
        distilled: Distillation loss.
        accuracy: Share of these films classified correctly, in [0, 1].
    """

    image: torch.Tensor
    evidence: torch.Tensor
    distilled: torch.Tensor
    accuracy: torch.Tensor


class Objective(nn.Module):
    """A network with its losses, computed by one forward pass of one module.

    There are three losses: classification of the film, localisation of fractures, and distillation
    from a teacher. The last two are optional.

    The classification loss is the cross-entropy of the two softmax outputs. It is computed as the
    binary cross-entropy of their difference, the log-odds of fracture, which is the same value.

    A head that is not linear gives no logit for single cells. In this case a linear probe is
    trained on the activations at the heat-map layer, so that this layer learns to discriminate
    fractures, and the Grad-CAM map is supervised with the boxes, so that the head uses the
    fracture cells. Probe and sharpness are not exported.

    Source:
        Alain and Bengio (2017), "Understanding intermediate layers using linear classifier probes",
        trained here together with the layers before it, as Lee et al. (2015), "Deeply-supervised
        nets"; Li et al. (2018), "Tell me where to look: guided attention inference network", for a
        loss on Grad-CAM.
    """

    def __init__(
        self, network: SplitNetwork, recipe: Recipe, teacher: LoadedModel | None = None
    ) -> None:
        """Combine a network with the losses of a recipe.

        Args:
            network: Network with initial weights.
            recipe: Defines the losses.
            teacher: Teacher of the distillation loss, if the recipe names one.

        Raises:
            RecipeError: The recipe supervises the Grad-CAM map of a linear head.
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
                raise RecipeError(
                    "a linear head gives cell logits itself; use weight, not grad_cam"
                )
            self.sharpness = nn.Parameter(torch.tensor(INITIAL_SHARPNESS).log())
        if teacher is not None and recipe.distillation is not None:
            self.distiller = Distiller(
                teacher, recipe.distillation, channels=count_activation_channels(network)
            )

    def train(self, mode: bool = True) -> Objective:
        """Set the training mode; frozen layers stay in evaluation mode with fixed statistics."""
        super().train(mode)
        self.network.frozen_part(self._recipe.frozen_layers).eval()
        return self

    def forward(self, sample: Sample) -> TrainingLosses:
        """Compute the losses of a batch."""
        batch = normalise(sample.square, self._spec).contiguous(memory_format=torch.channels_last)
        activations = self.network.activations(batch)
        if self.sharpness is not None and not activations.requires_grad:
            activations.requires_grad_(True)  # all earlier layers are frozen
        logits = self.network.logit(activations)
        smoothing = self._recipe.label_smoothing
        target = sample.fractured * (1 - smoothing) + smoothing / 2
        losses = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        correct = ((logits.detach() > 0) == (sample.fractured > 0.5)).float()
        return TrainingLosses(
            image=_mean_over(losses, sample.labelled),
            evidence=self._evidence_loss(logits, activations, sample),
            distilled=self._distilled_loss(sample, logits, activations),
            accuracy=_mean_over(correct, sample.labelled),
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
        """Sum the losses on cell logits and on the Grad-CAM map, each times its multiplier."""
        settings = self._recipe.evidence
        loss = activations.new_zeros(())
        if settings.weight:
            loss = loss + settings.weight * self._localisation_loss(
                self._cell_logits(activations), sample
            )
        if self.sharpness is not None:
            cells = grad_cam_cells(logits, activations) * self.sharpness.exp()
            loss = loss + settings.grad_cam * self._localisation_loss(cells, sample)
        return loss

    def _localisation_loss(self, cells: torch.Tensor, sample: Sample) -> torch.Tensor:
        """Compute the mean loss of cells, (N, h, w), over the films with complete boxes."""
        targets = cell_targets(sample.mask, self._grid, (cells.shape[1], cells.shape[2]))
        losses = cell_losses(cells.float(), targets)
        return _mean_over(losses, sample.annotated)

    def _cell_logits(self, activations: torch.Tensor) -> torch.Tensor:
        if self.probe is None:
            return self.network.evidence(activations)
        logits: torch.Tensor = self.probe(activations)  # (N, 1, h, w)
        return logits[:, 0]


def _mean_over(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Compute the mean of the values, (N,), where counted is 1; 0 where it is 0 everywhere."""
    return (values * counted).sum() / counted.sum().clamp(min=1)


def grad_cam_cells(logits: torch.Tensor, activations: torch.Tensor) -> torch.Tensor:
    """Compute Grad-CAM without the final ReLU, differentiable with respect to the weights.

    Args:
        logits: (N,), computed from the activations.
        activations: (N, C, h, w).

    Returns:
        (N, h, w) float32, multiplied by the number of cells, as in
        bonefx.heatmaps.methods.class_activation_map.

    Source:
        Selvaraju et al. (2017), "Grad-CAM", eq. 1 and 2.
    """
    (gradients,) = torch.autograd.grad(logits.sum(), activations, create_graph=True)
    weights = gradients.float().sum((2, 3), keepdim=True)
    return (weights * activations.float()).sum(1)


def cell_losses(cells: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Compute the loss of cell logits, with hard negative mining.

    Most cells of most films are easy negatives, which would dominate the loss. Neighbours of a
    positive cell are ignored, because hand-drawn boxes are larger than the fracture.

    Args:
        cells: Log-odds of fracture, (N, h, w).
        targets: 1 where a cell covers a fracture, (N, h, w).

    Returns:
        (N,): mean loss of the positive cells plus mean loss of the hardest share of the negatives.

    Source:
        Liu et al. (2016), "SSD: single shot multibox detector", section 2.2, hard negative mining.
    """
    losses = functional.binary_cross_entropy_with_logits(cells, targets, reduction="none")
    positive = (losses * targets).sum((1, 2)) / targets.sum((1, 2)).clamp(min=1)
    near = functional.max_pool2d(targets[:, None], 3, stride=1, padding=1)[:, 0]
    negative = (losses * (1 - near)).flatten(1)
    hardest = negative.topk(max(1, round(HARD_NEGATIVE_SHARE * negative.shape[1])), dim=1)
    return positive + hardest.values.mean(1)


def check_losses(
    losses: TrainingLosses, *, epoch: int, step: int, films: Callable[[], Sequence[str]]
) -> None:
    """Check that the losses of a micro-batch are finite; waits until a GPU has computed them.

    Args:
        losses: Losses of the micro-batch.
        epoch: Index of the epoch, from 0.
        step: Index of the optimiser step in the epoch, from 0.
        films: Returns the SHA-256 of the films of the micro-batch.

    Raises:
        DivergedTrainingError: A loss is NaN or infinite.
    """
    values = dict(zip(losses._fields, torch.stack([*losses]).tolist(), strict=True))
    wrong = [f"{name} {value}" for name, value in values.items() if not math.isfinite(value)]
    if wrong:
        raise DivergedTrainingError(
            f"the loss of step {step + 1} of epoch {epoch + 1} is not finite ({', '.join(wrong)}). "
            f"SHA-256 of the films of the batch: {', '.join(films())}. {_how_to_go_on(epoch)}"
        )


def check_validation_logits(logits: torch.Tensor, *, epoch: int, films: NDArray[np.str_]) -> None:
    """Check that the validation logits are finite; their loss is finite if they are.

    Args:
        logits: (N,).
        epoch: Index of the epoch, from 0.
        films: SHA-256 of the films, (N,).

    Raises:
        DivergedTrainingError: A logit is NaN or infinite.
    """
    wrong = (~logits.isfinite()).nonzero()[:, 0].tolist()
    if wrong:
        named = ", ".join(str(films[index]) for index in wrong[:MAX_NAMED_FILMS])
        raise DivergedTrainingError(
            f"the validation loss after the last step of epoch {epoch + 1} is not finite: the "
            f"logits of {len(wrong)} of {len(logits)} films are NaN or infinite. SHA-256 of the "
            f"first {MAX_NAMED_FILMS} at most: {named}. {_how_to_go_on(epoch)}"
        )


def _how_to_go_on(epochs: int) -> str:
    """Return what a user can do after a loss that is not finite, by the number of whole epochs."""
    kept = f"The checkpoint after epoch {epochs} stays usable; the same command goes on after it"
    return (
        f"{kept if epochs else 'No epoch was finished, so there is no checkpoint'}. Check these "
        "films and their labels; if they are in order, lower learning_rate or clip_norm in a copy "
        "of the recipe and fit it into another --out"
    )
