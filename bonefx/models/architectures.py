"""The networks by name: EfficientNet-B0 and VGG16 as torchvision builds them, and the pyramid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn
from torchvision.models import VGG, EfficientNet, efficientnet_b0, vgg16

from bonefx.errors import WeightsError
from bonefx.models.low_rank import Ranks, replace_by_low_rank
from bonefx.models.networks import CLASSES, CutNetwork, SplitNetwork
from bonefx.models.pyramid import PyramidClassifier, PyramidNetwork

DEEP_STAGES = (6, 7, 8)  # of EfficientNet; finer ones tell whose scanner a film is from
MIDDLE_LAYERS = (22, 25)  # of VGG16; what its last ones see is fractures, in photographs too


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNormSpec:
    """Settings of every batch norm; they belong to the weights, not to the architecture."""

    eps: float = 1e-5
    momentum: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """How a network is built.

    Attributes:
        build: Makes it with untrained weights.
        cam_layer: Name of the layer whose output the heat map weighs.
        linear_head: One linear layer rates each cell, and the cells' ratings are pooled, so that
            each cell's share of the logit can be told.
        pretrained: torchvision's name of the network whose features training may start from.
    """

    build: Callable[[BatchNormSpec], SplitNetwork]
    cam_layer: str
    linear_head: bool
    pretrained: str


def _torchvision_efficientnet_b0(batch_norm: BatchNormSpec) -> EfficientNet:
    norm_layer = partial(nn.BatchNorm2d, eps=batch_norm.eps, momentum=batch_norm.momentum)
    return efficientnet_b0(num_classes=len(CLASSES), norm_layer=norm_layer)


def _efficientnet_b0(batch_norm: BatchNormSpec) -> SplitNetwork:
    return CutNetwork(
        _torchvision_efficientnet_b0(batch_norm), cut=9, linear_head=True,
        signature_layers=DEEP_STAGES,
    )  # fmt: skip


def _efficientnet_b0_fpn(batch_norm: BatchNormSpec) -> SplitNetwork:
    features = _torchvision_efficientnet_b0(batch_norm).features
    norm_layer = partial(nn.BatchNorm2d, eps=batch_norm.eps, momentum=batch_norm.momentum)
    classifier = PyramidClassifier(features, taps=(3, 5, 8), norm_layer=norm_layer)
    return PyramidNetwork(classifier, signature_layers=DEEP_STAGES)


def _vgg16(_: BatchNormSpec) -> SplitNetwork:
    backbone = vgg16(num_classes=len(CLASSES), dropout=0.5)
    return CutNetwork(backbone, cut=30, linear_head=False, signature_layers=MIDDLE_LAYERS)


ARCHITECTURES = {
    "efficientnet_b0": Architecture(
        build=_efficientnet_b0, cam_layer="features.8", linear_head=True,
        pretrained="efficientnet_b0",
    ),
    "efficientnet_b0_fpn": Architecture(
        build=_efficientnet_b0_fpn, cam_layer="neck", linear_head=True,
        pretrained="efficientnet_b0",
    ),
    "vgg16": Architecture(
        build=_vgg16, cam_layer="features.29", linear_head=False, pretrained="vgg16"
    ),
}  # fmt: skip


def architecture_of(name: str) -> Architecture:
    """Look an architecture up by name.

    Raises:
        WeightsError: There is no such architecture.
    """
    if name not in ARCHITECTURES:
        raise WeightsError(f"unknown architecture {name!r}; use one of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]


def build_network(
    name: str, *, batch_norm: BatchNormSpec | None = None, head_ranks: Ranks | None = None
) -> SplitNetwork:
    """Build an untrained network.

    Args:
        name: A key of ARCHITECTURES.
        batch_norm: Settings that the weights were trained with; torchvision's default if None.
        head_ranks: Of a VGG's two large layers where they are stored in few directions.

    Raises:
        WeightsError: There is no such architecture, or it has no such head.
    """
    network = architecture_of(name).build(batch_norm or BatchNormSpec())
    if head_ranks is not None:
        if not isinstance(network.backbone, VGG):
            raise WeightsError(f"{name} has no head of low rank; leave head_ranks out")
        replace_by_low_rank(network.backbone, head_ranks)
    return network
