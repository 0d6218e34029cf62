"""A network in two steps: activations where its heat map is taken, then the logit.

One forward pass so serves the verdict and the heat map, without hooks (which are not safe in
threads).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision.models import VGG, EfficientNet

from bonefx.errors import WeightsError
from bonefx.models.preprocess import PreprocessSpec, to_batch
from bonefx.records import Radiograph

CLASSES = ("no_fracture", "fracture")  # order of the network's two outputs
NO_FRACTURE_INDEX, FRACTURE_INDEX = range(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGrid:
    """Cell i of the activations looks at input pixel offset_px + i * stride_px (pixel centres)."""

    stride_px: int
    offset_px: float


class StageOutputs(NamedTuple):
    """What the first step gives.

    Attributes:
        activations: (N, C, h, w).
        signature: What kind of picture it is: means over the cells of later stages, (N, D).
    """

    activations: torch.Tensor
    signature: torch.Tensor


class SplitNetwork(nn.Module, ABC):
    """A classifier with two outputs, run in two steps: activations, then the logit.

    Its weights are those of `backbone`, a module that makes the two outputs by itself.
    """

    linear_head = False

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    @property
    def _features(self) -> nn.Sequential:
        features = self.backbone.features
        assert isinstance(features, nn.Sequential)
        return features

    @property
    def last_layer(self) -> nn.Linear:
        """The layer that makes the two outputs."""
        assert isinstance(self.backbone.classifier, nn.Sequential)
        last = list(self.backbone.classifier.children())[-1]
        assert isinstance(last, nn.Linear)
        return last

    @abstractmethod
    def staged(self, batch: torch.Tensor) -> StageOutputs:
        """Run (N, 3, S, S) up to where the heat map is taken."""

    def activations(self, batch: torch.Tensor) -> torch.Tensor:
        """Run (N, 3, S, S) up to where the heat map is taken; returns (N, C, h, w)."""
        return self.staged(batch).activations

    @abstractmethod
    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """Run the head on (N, C, h, w); returns the log-odds of fracture, (N,).

        With two softmax outputs the log-odds of fracture is the difference of the two.
        """

    @abstractmethod
    def grid(self) -> CellGrid:
        """Tell where the cells of the activations look."""

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run (N, 3, S, S); returns logits (N,) and activations (N, C, h, w)."""
        activations = self.activations(batch)
        return self.logit(activations), activations

    def evidence(self, activations: torch.Tensor) -> torch.Tensor:
        """Tell each cell's share of the logit, before the cells are pooled, (N, h, w).

        Its positive part is Grad-CAM; see cam.

        Raises:
            WeightsError: The head is not linear.

        Source:
            Zhou et al. (2016), "Learning deep features for discriminative localization", eq. 2.
        """
        if not self.linear_head:
            raise WeightsError("evidence per cell needs a linear head; use Grad-CAM instead")
        weight = self.last_layer.weight[FRACTURE_INDEX] - self.last_layer.weight[NO_FRACTURE_INDEX]
        return torch.einsum("c,nchw->nhw", weight, activations)

    def frozen_part(self, layers: int) -> nn.Sequential:
        """The first layers of `features`, as many as a recipe leaves untrained."""
        return self._features[:layers]


class CutNetwork(SplitNetwork):
    """A torchvision classifier, cut behind one layer of its features."""

    backbone: EfficientNet | VGG

    def __init__(
        self,
        backbone: EfficientNet | VGG,
        *,
        cut: int,
        linear_head: bool,
        signature_layers: Sequence[int],
    ) -> None:
        """Cut a network.

        Args:
            backbone: As torchvision builds it, with two outputs.
            cut: Layers of `features` that run before the heat map is taken, activation included.
            linear_head: The head is a mean over all cells and one linear layer.
            signature_layers: Of `features`, whose means are the signature; before the cut.
        """
        super().__init__(backbone)
        self.cut = cut
        self.linear_head = linear_head
        self.signature_layers = tuple(signature_layers)

    def staged(self, batch: torch.Tensor) -> StageOutputs:
        """See SplitNetwork."""
        *_, activations = stages = staged_features(
            self._features, batch, (*self.signature_layers, self.cut - 1)
        )
        return StageOutputs(activations, pool_signature(stages[:-1]))

    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """See SplitNetwork."""
        pooled = self.backbone.avgpool(self._features[self.cut :](activations))
        outputs = self.backbone.classifier(torch.flatten(pooled, 1))  # (N, 2)
        return log_odds(outputs)

    def grid(self) -> CellGrid:
        """See SplitNetwork."""
        return cell_grid(self._features[: self.cut])


def staged_features(
    features: nn.Sequential, batch: torch.Tensor, layers: Sequence[int]
) -> list[torch.Tensor]:
    """Run (N, 3, S, S) through the features; returns what each of the rising layers gives."""
    stages, after = [], 0
    for layer in layers:
        batch = features[after : layer + 1](batch)
        stages.append(batch)
        after = layer + 1
    return stages


def pool_signature(stages: Sequence[torch.Tensor]) -> torch.Tensor:
    """Pool stages, (N, C_i, h_i, w_i), to the means of their channels, (N, sum of C_i)."""
    return torch.cat([stage.mean((2, 3)) for stage in stages], dim=1)


def log_odds(outputs: torch.Tensor) -> torch.Tensor:
    """Turn two softmax outputs, (..., 2), into the log-odds of fracture, (...)."""
    return outputs[..., FRACTURE_INDEX] - outputs[..., NO_FRACTURE_INDEX]


def cell_grid(layers: nn.Module) -> CellGrid:
    """Derive a stage's stride and offset from its convolutions and poolings.

    Args:
        layers: The layers in the order in which they run; branches that rejoin must not shift.

    Source:
        Araujo, Norris and Sim (2019), "Computing receptive fields of convolutional neural
        networks", Distill, eq. 3 and 4, for the middle of the receptive field.
    """
    stride, offset = 1, 0.0
    for layer in layers.modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, step, padding = (
                value if isinstance(value, int) else int(value[0])
                for value in (layer.kernel_size, layer.stride, layer.padding)
            )
            offset += stride * ((kernel - 1) / 2 - padding)
            stride *= step
    return CellGrid(stride_px=stride, offset_px=offset)


@torch.inference_mode()
def compute_signatures(
    network: SplitNetwork, films: Sequence[Radiograph], spec: PreprocessSpec
) -> NDArray[np.float32]:
    """Run films up to the cut for their signatures alone, (N, D)."""
    device = next(network.parameters()).device
    batch = to_batch(list(films), spec).to(device, memory_format=torch.channels_last)
    found: NDArray[np.float32] = network.staged(batch).signature.float().cpu().numpy()
    return found
