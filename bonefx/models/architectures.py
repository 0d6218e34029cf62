"""Architectures by name: EfficientNet-B0, the same with a feature pyramid, and VGG16."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torchvision.models import VGG, EfficientNet, efficientnet_b0, vgg16

from bonefx.errors import WeightsError
from bonefx.models.low_rank import Ranks, replace_by_low_rank
from bonefx.models.networks import CLASSES, CutNetwork, SplitNetwork
from bonefx.models.pyramid import PyramidClassifier, PyramidNetwork

# Layers whose channel means are the signature of a film. Finer stages of EfficientNet depend on
# the scanner; the last layers of VGG16 respond to fractures, in photographs too.
EFFICIENTNET_SIGNATURE_LAYERS = (6, 7, 8)
VGG_SIGNATURE_LAYERS = (22, 25)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchNormSpec:
    """Settings of all batch norm layers; they belong to the weights, not to the architecture."""

    eps: float = 1e-5
    momentum: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """An architecture that weights can be trained for.

    Attributes:
        build: Builds the network with untrained weights.
        cam_layer: Name of the layer whose output the heat map weights.
        linear_head: Whether one linear layer maps each cell to a logit and the cells are pooled,
            so that the share of each cell in the logit is known.
        pretrained: Name of the torchvision network whose features training may start from.
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
        signature_layers=EFFICIENTNET_SIGNATURE_LAYERS,
    )  # fmt: skip


def _efficientnet_b0_fpn(batch_norm: BatchNormSpec) -> SplitNetwork:
    features = _torchvision_efficientnet_b0(batch_norm).features
    norm_layer = partial(nn.BatchNorm2d, eps=batch_norm.eps, momentum=batch_norm.momentum)
    classifier = PyramidClassifier(features, taps=(3, 5, 8), norm_layer=norm_layer)
    return PyramidNetwork(classifier, signature_layers=EFFICIENTNET_SIGNATURE_LAYERS)


def _vgg16(_: BatchNormSpec) -> SplitNetwork:
    backbone = vgg16(num_classes=len(CLASSES), dropout=0.5)
    return CutNetwork(backbone, cut=30, linear_head=False, signature_layers=VGG_SIGNATURE_LAYERS)


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
    """Return an architecture by name.

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
        head_ranks: Ranks of fc6 and fc7 of a VGG that is stored in low rank; None for full layers.

    Raises:
        WeightsError: The name is unknown, or the architecture has no low-rank head.
    """
    network = architecture_of(name).build(batch_norm or BatchNormSpec())
    if head_ranks is not None:
        if not isinstance(network.backbone, VGG):
            raise WeightsError(f"{name} has no low-rank head; remove head_ranks from its manifest")
        replace_by_low_rank(network.backbone, head_ranks)
    return network


class _SkippedInitialisation(TorchFunctionMode):
    """Leave parameters as they are where a layer would draw random ones, in this thread alone."""

    DRAWING = frozenset({
        nn.init.kaiming_normal_, nn.init.kaiming_uniform_, nn.init.normal_, nn.init.uniform_,
        torch.Tensor.normal_, torch.Tensor.uniform_,
    })  # fmt: skip

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Return the tensor of a function that draws; call any other function."""
        if func not in self.DRAWING:
            return func(*args, **(kwargs or {}))
        return args[0] if args else kwargs["tensor"]


def restore_network(
    name: str,
    state: Mapping[str, torch.Tensor],
    *,
    batch_norm: BatchNormSpec,
    head_ranks: Ranks | None = None,
) -> SplitNetwork:
    """Build a network that holds the given tensors themselves, frozen and in evaluation mode.

    No random weights are drawn or stored first; for VGG16 they take seconds and 500 MB.

    Args:
        name: A key of ARCHITECTURES.
        state: All tensors of the backbone by name, as float32.
        batch_norm: Settings that the weights were trained with.
        head_ranks: See build_network.

    Raises:
        WeightsError: See build_network.
        RuntimeError: A tensor is missing, unknown or of another shape.
    """
    with torch.device("meta"), _SkippedInitialisation():
        network = build_network(name, batch_norm=batch_norm, head_ranks=head_ranks)
    network.backbone.load_state_dict(state, strict=True, assign=True)
    return network.requires_grad_(False).eval()
