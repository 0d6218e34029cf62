"""A feature pyramid: stages of a network fused at the finest one, with a logit for each cell.

The logit of a cell is linear in its activations and the cells are pooled. Grad-CAM of the fused
activations is therefore the map of the cell logits: it shows what the verdict is computed from.

Source:
    Lin et al. (2017), "Feature pyramid networks for object detection"; pooling after Pinheiro and
    Collobert (2015), "From image-level to pixel-level labeling with convolutional networks", eq. 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional
from torchvision.ops.misc import Conv2dNormActivation

from bonefx.models.networks import (
    CLASSES,
    SplitNetwork,
    StageOutputs,
    log_odds,
    pool_signature,
    staged_features,
)

WIDTH = 128  # channels of the fused stage
DROPOUT = 0.1  # of whole channels, before the last layer


class Pyramid(nn.Module):
    """Fuse coarse stages, which see a wider surrounding, with the finest one."""

    def __init__(
        self, channels: Sequence[int], *, width: int, norm_layer: Callable[..., nn.Module]
    ) -> None:
        """Build the neck.

        Args:
            channels: Channels of each stage, the finest first.
            width: Channels of the result.
            norm_layer: Builds a batch norm layer.
        """
        super().__init__()
        self.lateral = nn.ModuleList(
            Conv2dNormActivation(
                count, width, kernel_size=1, norm_layer=norm_layer, activation_layer=None
            )
            for count in channels
        )
        self.smooth = nn.Sequential(
            *[
                Conv2dNormActivation(
                    width, width, kernel_size=size, groups=groups, norm_layer=norm_layer,
                    activation_layer=nn.SiLU,
                )
                for size, groups in ((5, width), (1, 1), (5, width), (1, 1))
            ]
        )  # fmt: skip

    def forward(self, stages: Sequence[torch.Tensor]) -> torch.Tensor:
        """Fuse stages (N, C_i, h_i, w_i), the finest first; return (N, width, h_0, w_0)."""
        fused, *coarser = [
            lateral(stage) for lateral, stage in zip(self.lateral, stages, strict=True)
        ]
        result: torch.Tensor = self.smooth(functional.silu(fused + _summed(coarser, fused)))
        return result


def _summed(stages: Sequence[torch.Tensor], like: torch.Tensor) -> torch.Tensor:
    return sum(
        (refine_stage(stage, like.shape[-1] // stage.shape[-1]) for stage in stages), 0 * like
    )


def refine_stage(stage: torch.Tensor, factor: int) -> torch.Tensor:
    """Interpolate a stage so that its cell i stays at cell `factor * i` of the finer stage.

    Stages of a network that pads symmetrically are aligned in this way; interpolation with
    half-pixel centres would shift them by up to half a coarse cell.

    Args:
        stage: (N, C, h, w).
        factor: Cells of the finer stage for each cell, >= 1.

    Returns:
        (N, C, factor * h, factor * w), linear between cells, constant after the last one.
    """
    padded = functional.pad(stage, (0, 1, 0, 1), mode="replicate")
    rows, columns = (factor * side for side in stage.shape[-2:])
    finer = functional.interpolate(
        padded, size=(rows + 1, columns + 1), mode="bilinear", align_corners=True
    )
    return finer[..., :rows, :columns]


class PyramidClassifier(nn.Module):
    """Features, neck and a linear layer for each cell; two outputs for each film."""

    def __init__(
        self, features: nn.Sequential, *, taps: Sequence[int],
        norm_layer: Callable[..., nn.Module],
    ) -> None:  # fmt: skip
        """Build the classifier.

        Args:
            features: Features of a torchvision network.
            taps: Layers of `features` that are fused, the finest first.
            norm_layer: Builds a batch norm layer.
        """
        super().__init__()
        self.features = features
        self.taps = tuple(taps)
        channels = [_channels_of(features[tap]) for tap in taps]
        self.neck = Pyramid(channels, width=WIDTH, norm_layer=norm_layer)
        self.classifier = nn.Sequential(nn.Dropout2d(DROPOUT), nn.Linear(WIDTH, len(CLASSES)))

    def stages(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """Run (N, 3, S, S) through the features; return the tapped stages, (N, C_i, h_i, w_i)."""
        return staged_features(self.features, batch, self.taps)

    def cell_logits(self, activations: torch.Tensor) -> torch.Tensor:
        """Compute the log-odds of each cell of (N, WIDTH, h, w); return (N, h, w)."""
        dropout, linear = self.classifier
        return log_odds(linear(dropout(activations).movedim(1, -1)))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Compute the outputs of each film of (N, 3, S, S): (N, 2), the first one 0."""
        logit = log_mean_exp(self.cell_logits(self.neck(self.stages(batch))))
        return torch.stack([torch.zeros_like(logit), logit], dim=1)


def log_mean_exp(cells: torch.Tensor) -> torch.Tensor:
    """Pool cells (N, h, w) to (N,); the result is near the maximum if few cells stand out."""
    return torch.logsumexp(cells.flatten(1), dim=1) - math.log(cells[0].numel())


def _channels_of(layer: nn.Module) -> int:
    """Return the number of channels of the output of a layer."""
    convolutions = [part for part in layer.modules() if isinstance(part, nn.Conv2d)]
    return convolutions[-1].out_channels


class PyramidNetwork(SplitNetwork):
    """A PyramidClassifier, split after its neck."""

    linear_head = True
    backbone: PyramidClassifier

    def __init__(self, backbone: PyramidClassifier, *, signature_layers: Sequence[int]) -> None:
        """Split a classifier after its neck.

        Args:
            backbone: The classifier.
            signature_layers: Layers of its features whose channel means are the signature.
        """
        super().__init__(backbone)
        self.signature_layers = tuple(signature_layers)

    def staged(self, batch: torch.Tensor) -> StageOutputs:
        """See SplitNetwork."""
        layers = sorted({*self.backbone.taps, *self.signature_layers})
        stages = dict(
            zip(layers, staged_features(self.backbone.features, batch, layers), strict=True)
        )
        signature = pool_signature([stages[layer] for layer in self.signature_layers])
        return StageOutputs(
            self.backbone.neck([stages[tap] for tap in self.backbone.taps]), signature
        )

    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """See SplitNetwork."""
        return log_mean_exp(self.backbone.cell_logits(activations))

    def _layers_before_cells(self) -> nn.Module:
        """Return the features up to the finest tap; the neck neither strides nor shifts."""
        return self.backbone.features[: self.backbone.taps[0] + 1]
