"""EfficientNet-B0 and VGG16 as torchvision builds them, cut where their heat map is taken.

A SplitNetwork runs the layers up to its cut and the head after it as two steps, so that one forward
pass serves the verdict and the heat map, without hooks (which are not safe in threads).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torchvision.models import VGG, EfficientNet, efficientnet_b0, vgg16

from bonefx.errors import WeightsError

CLASSES = ("no_fracture", "fracture")  # order of the network's two outputs
NO_FRACTURE, FRACTURE = range(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNormSpec:
    """Settings of every batch norm; they belong to the weights, not to the architecture."""

    eps: float = 1e-5
    momentum: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """How a network is built and cut.

    Attributes:
        build: Makes the torchvision network with two outputs and untrained weights.
        cut: Layers of `features` that run before the heat map is taken, activation included.
        cam_layer: torchvision's name of the layer whose output the heat map weighs.
        linear_head: The head is an average over all cells and one linear layer, so that each
            cell's share of the logit can be told.
    """

    build: Callable[[BatchNormSpec], EfficientNet | VGG]
    cut: int
    cam_layer: str
    linear_head: bool


def _efficientnet_b0(batch_norm: BatchNormSpec) -> EfficientNet:
    norm_layer = partial(nn.BatchNorm2d, eps=batch_norm.eps, momentum=batch_norm.momentum)
    return efficientnet_b0(num_classes=len(CLASSES), norm_layer=norm_layer)


def _vgg16(_: BatchNormSpec) -> VGG:
    return vgg16(num_classes=len(CLASSES), dropout=0.5)


ARCHITECTURES = {
    "efficientnet_b0": Architecture(
        build=_efficientnet_b0, cut=9, cam_layer="features.8", linear_head=True
    ),
    "vgg16": Architecture(build=_vgg16, cut=30, cam_layer="features.29", linear_head=False),
}


class SplitNetwork(nn.Module):
    """A torchvision classifier, run in two steps: activations at the cut, then the logit."""

    def __init__(self, backbone: EfficientNet | VGG, architecture: Architecture) -> None:
        super().__init__()
        self.backbone: EfficientNet | VGG = backbone
        self.architecture = architecture

    @property
    def _features(self) -> nn.Sequential:
        features = self.backbone.features
        assert isinstance(features, nn.Sequential)
        return features

    @property
    def last_layer(self) -> nn.Linear:
        """The layer that makes the two outputs."""
        last = list(self.backbone.classifier.children())[-1]
        assert isinstance(last, nn.Linear)
        return last

    def activations(self, batch: torch.Tensor) -> torch.Tensor:
        """Run (N, 3, S, S) up to the cut; returns (N, C, h, w)."""
        activations: torch.Tensor = self._features[: self.architecture.cut](batch)
        return activations

    def logit(self, activations: torch.Tensor) -> torch.Tensor:
        """Run the head on (N, C, h, w); returns the log-odds of fracture, (N,).

        With two softmax outputs the log-odds of fracture is the difference of the two.
        """
        pooled = self.backbone.avgpool(self._features[self.architecture.cut :](activations))
        outputs = self.backbone.classifier(torch.flatten(pooled, 1))  # (N, 2)
        difference: torch.Tensor = outputs[:, FRACTURE] - outputs[:, NO_FRACTURE]
        return difference

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run (N, 3, S, S); returns logits (N,) and activations (N, C, h, w)."""
        activations = self.activations(batch)
        return self.logit(activations), activations

    def evidence(self, activations: torch.Tensor) -> torch.Tensor:
        """Tell each cell's share of the logit, before the mean over cells, (N, h, w).

        The mean over cells plus the bias is the logit (without dropout); its positive part is
        Grad-CAM times the number of cells.

        Raises:
            WeightsError: The head is not linear.

        Source:
            Zhou et al. (2016), "Learning deep features for discriminative localization", eq. 2.
        """
        if not self.architecture.linear_head:
            raise WeightsError("evidence per cell needs a linear head; use Grad-CAM instead")
        weight = self.last_layer.weight[FRACTURE] - self.last_layer.weight[NO_FRACTURE]
        return torch.einsum("c,nchw->nhw", weight, activations)

    def frozen_part(self, layers: int) -> nn.Sequential:
        """The first layers of `features`, as many as a recipe leaves untrained."""
        return self._features[:layers]

    def grid(self) -> CellGrid:
        """Tell where the cells of the activations look."""
        return cell_grid(self._features[: self.architecture.cut])


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGrid:
    """Cell i of the activations looks at input pixel offset_px + i * stride_px (pixel centres)."""

    stride_px: int
    offset_px: float


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


def architecture_of(name: str) -> Architecture:
    """Look an architecture up by name.

    Raises:
        WeightsError: There is no such architecture.
    """
    if name not in ARCHITECTURES:
        raise WeightsError(f"unknown architecture {name!r}; use one of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def build_network(name: str, *, batch_norm: BatchNormSpec | None = None) -> SplitNetwork:
    """Build an untrained network.

    Args:
        name: A key of ARCHITECTURES.
        batch_norm: Settings that the weights were trained with; torchvision's default if None.

    Raises:
        WeightsError: There is no such architecture.
    """
    architecture = architecture_of(name)
    return SplitNetwork(architecture.build(batch_norm or BatchNormSpec()), architecture)
